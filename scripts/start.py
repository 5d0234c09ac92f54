#!/usr/bin/env python3
"""What ``make run`` starts: the panel, on the Ollama that this machine has, or on one of its own.

    python scripts/start.py [arguments of ecs-localai]

- Arguments that open no window and run no world (``--help``, ``doctor``, ``list``...) go to ecs-localai as they are.
- Where an Ollama answers on the usual port, or ``OLLAMA_HOST`` or ``--host`` names one, the panel opens on that.
- Where Ollama is installed and not running, the panel opens and says how to start it.
- Otherwise, on Linux x86-64, a real Ollama is fetched into ``.rig`` (once), started on a free port with its models in
  ``.rig/run/models``, and ended when the panel is closed.

Without a display the same world runs headless and prints its events, one JSON object a line.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.rig.gpt2_gguf import write_gpt2  # noqa: E402  # found through the line above
from tests.rig.model_files import TINY_PARAMETERS, create_model  # noqa: E402
from tests.rig.ollama_program import rig_ollama  # noqa: E402
from tests.rig.ollama_server import OllamaServer  # noqa: E402
from tests.rig.parts import RIG_DIR  # noqa: E402

OLLAMA_PORT = 11434


def say(text: str) -> None:
    """One line for the person who runs this, apart from what the panel prints."""
    print(f"make run: {text}", file=sys.stderr, flush=True)


def answers(host: str, port: int) -> bool:
    """Whether an Ollama answers there within two seconds."""
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/api/version")
        return b"version" in connection.getresponse().read(4096)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def has_display() -> bool:
    """Whether a window can be opened: on Linux and BSD there must be an X or Wayland display."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


VALUE_OPTIONS = ("--host", "--data-dir", "--theme", "--scale", "--frames", "--hz")
FLAGS = ("--headless", "--json")


def wants_ollama(arguments: list[str]) -> bool:
    """Whether these open the window or run the world: nothing but options, with or without the command ``run``."""
    commands = []
    left = iter(arguments)
    for argument in left:
        name, equals, _ = argument.partition("=")
        if name in VALUE_OPTIONS:
            if not equals and next(left, None) is None:
                return False  # its value is missing, which ecs-localai says
        elif argument.startswith("-") and argument not in FLAGS:
            return False  # --help, --version, or one that there isn't
        elif argument not in FLAGS:
            commands.append(argument)
    return commands in ([], ["run"])


def users_ollama(arguments: list[str]) -> bool:
    """Whether the panel is to be left to find the user's own Ollama; says why."""
    if any(argument == "--host" or argument.startswith("--host=") for argument in arguments):
        return True
    if os.environ.get("OLLAMA_HOST"):
        say(f"using the Ollama that OLLAMA_HOST names ({os.environ['OLLAMA_HOST']})")
        return True
    if answers("127.0.0.1", OLLAMA_PORT) or answers("::1", OLLAMA_PORT):
        say(f"using the Ollama that runs on port {OLLAMA_PORT}")
        return True
    if os.environ.get("OLLAMA_BIN") or shutil.which("ollama"):
        say("Ollama is installed and not running; start it with `ollama serve`, and the panel connects by itself")
        return True
    return False


@contextlib.contextmanager
def own_ollama() -> Iterator[OllamaServer | None]:
    """A server of our own while the panel is open; None where it can't be had (the panel says how to get one)."""
    setup = [sys.executable, str(ROOT / "scripts" / "rig_setup.py"), "--only", "ollama"]
    # Its lines go to stderr: standard output is for the panel's events alone.
    done = subprocess.run(setup, stdout=sys.stderr, check=False).returncode == 0
    program = rig_ollama() if done else None
    if program is None:
        say("no Ollama here; the panel opens all the same and says how to get one (https://ollama.com/download)")
        yield None
        return
    folder = RIG_DIR / "run"
    with OllamaServer(folder / "models", program=program) as server:
        if not server.model_names():
            model = write_gpt2(folder / "tiny-gpt2.gguf")
            create_model(server, "tiny-gpt2", model, parameters=TINY_PARAMETERS)
        say(f"started a real Ollama at {server.base_url}, with its models in {server.models_dir.relative_to(ROOT)}")
        say(
            "this build runs on the CPU and generates with models of the gpt2 family only (tiny-gpt2, random weights,"
            " answers in nonsense); for all others install Ollama: https://ollama.com/download"
        )
        yield server


def run_panel(arguments: list[str], host: str | None) -> int:
    """Runs ``ecs-localai`` until it ends, and returns its exit status. Ctrl-C and SIGTERM are for it to handle."""
    command = [sys.executable, "-m", "ecs_localai"]
    if not arguments and not has_display():
        say("there is no display, so this runs headless and prints events; Ctrl-C ends it")
        arguments = ["run", "--headless", "--json"]
    host_option = [] if host is None else ["--host", host]
    with subprocess.Popen([*command, *arguments, *host_option]) as panel:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to the panel, too
        signal.signal(signal.SIGTERM, lambda *_: panel.terminate())
        return panel.wait()


def main() -> int:
    """Finds or starts Ollama, runs the panel, and returns its exit status."""
    arguments = sys.argv[1:]
    if not wants_ollama(arguments) or users_ollama(arguments):
        return run_panel(arguments, None)
    with own_ollama() as server:
        return run_panel(arguments, None if server is None else server.base_url)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # Ctrl-C while Ollama was being fetched or started
        sys.exit(130)
