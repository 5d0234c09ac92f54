"""What all tests share: the real parts as fixtures, and an environment that is nobody's own.

Before anything else is imported, HOME and the XDG folders are pointed at a temporary folder, the display and every
Ollama setting are taken away: no test may read or write what belongs to the person who runs it.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

_HOME = Path(tempfile.mkdtemp(prefix="ecs-localai-tests-home-"))
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
os.environ["HOME"] = str(_HOME)
for _name, _folder in {
    "XDG_DATA_HOME": ".local/share",
    "XDG_CONFIG_HOME": ".config",
    "XDG_CACHE_HOME": ".cache",
    "XDG_STATE_HOME": ".local/state",
    "XDG_RUNTIME_DIR": ".runtime",
}.items():
    (_HOME / _folder).mkdir(parents=True, exist_ok=True, mode=0o700)
    os.environ[_name] = str(_HOME / _folder)
for _name in list(os.environ):
    ours = _name.startswith("OLLAMA_") and _name != "OLLAMA_BIN"
    if ours or _name in ("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY") or _name.lower().endswith("_proxy"):
        del os.environ[_name]
if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
    # Whoever wants no compiled files beside the sources gets them elsewhere: a thousand programs that the tests start
    # would compile every module anew, which takes longer than the tests. Processes that share the work share these.
    _COMPILED = tempfile.mkdtemp(prefix="ecs-localai-tests-compiled-")
    atexit.register(shutil.rmtree, _COMPILED, ignore_errors=True)
    os.environ["PYTHONPYCACHEPREFIX"] = _COMPILED

from hypothesis import HealthCheck, settings  # noqa: E402  # the environment above comes first

from tests.rig.display import Xvfb  # noqa: E402  # as above
from tests.rig.model_files import TINY_PARAMETERS, create_model, smollm2, tiny_gpt2, write_gguf  # noqa: E402
from tests.rig.ollama_server import OllamaServer  # noqa: E402
from tests.rig.parts import PartMissing  # noqa: E402
from tests.rig.registry import Registry  # noqa: E402

Part = TypeVar("Part")

# On a busy machine examples take their time, which says nothing of what they show. The rest stays as it is, in CI, too.
settings.register_profile("patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def _or_skip(make: Callable[[], Part]) -> Part:
    """The part, or a skip that says what is missing; in CI, where everything is set up, a failure instead."""
    try:
        return make()
    except PartMissing as missing:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(f"a real part is missing in CI: {missing}")
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def ollama_server() -> Iterator[OllamaServer]:
    """A real Ollama server that all tests share, with the models ``tiny:latest`` and ``smollm2:135m``.

    ``tiny`` loads and generates (at most 64 tokens an answer, on the CPU). Leave both models there, and delete
    what you add.
    """
    server = _or_skip(OllamaServer)
    with server:
        create_model(server, "tiny:latest", _or_skip(tiny_gpt2), parameters=TINY_PARAMETERS)
        create_model(server, "smollm2:135m", _or_skip(smollm2))
        yield server


@pytest.fixture
def fresh_ollama() -> Iterator[OllamaServer]:
    """A real Ollama server of the test's own, without any model; it may be killed and restarted."""
    with _or_skip(OllamaServer) as server:
        yield server


@pytest.fixture(scope="session")
def shared_registry(ollama_server: OllamaServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """The registry behind ``registry``, filled once."""
    with _or_skip(Registry) as registry:
        middle = write_gguf(tmp_path_factory.mktemp("models") / "middle.gguf", 12_000_000, seed=12)
        create_model(ollama_server, "middle:latest", middle, parameters=TINY_PARAMETERS)
        registry.push(ollama_server, "middle:latest", "middle:latest")
        ollama_server.delete("middle:latest")
        registry.push(ollama_server, "tiny:latest", "tiny:latest")
        registry.push(ollama_server, "smollm2:135m", "smollm2:135m")
        yield registry


@pytest.fixture
def registry(shared_registry: Registry) -> Iterator[Registry]:
    """A real registry with ``library/tiny:latest`` (0.9 MB), ``middle:latest`` (12 MB), ``smollm2:135m`` (98 MB).

    All tests share it; faults of its file server are healed and its counts are zero when a test begins.
    """
    shared_registry.files.clear()
    shared_registry.files.reset_counts()
    yield shared_registry
    shared_registry.files.clear()


@pytest.fixture(scope="session")
def xvfb() -> Iterator[Xvfb]:
    """A real X server that all tests share; pass ``xvfb.environment`` to the program that opens windows."""
    with _or_skip(Xvfb) as server:
        yield server
