"""Real GGUF model files, and how they get into an Ollama server past the product."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.rig.gpt2_gguf import shape_of_size, write_gpt2
from tests.rig.ollama_server import OllamaServer
from tests.rig.parts import RIG_DIR, PartMissing
from tests.rig.plain_http import call

TINY_GPT2 = RIG_DIR / "models" / "tiny-gpt2.gguf"
"""GPT-2, 2 layers, 64 wide, random weights: loads and generates on every build of Ollama, in a fraction of a second."""
SMOLLM2 = RIG_DIR / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf"
"""SmolLM2-135M-Instruct, 98 MB, llama architecture: real metadata, chat template and licence."""

TINY_PARAMETERS: dict[str, object] = {"num_gpu": 0, "num_ctx": 512, "num_predict": 64}
"""Model parameters for GPT-2 models: on the CPU, with a bounded answer (Ollama's default is without an end)."""


class CreateFailed(RuntimeError):
    """Ollama refused to make a model of a file; the text is its answer."""


def tiny_gpt2() -> Path:
    """The tiny GPT-2 model that can generate. Raises PartMissing where ``make rig`` was not run."""
    return _present(TINY_GPT2)


def smollm2() -> Path:
    """The 98 MB llama model. Raises PartMissing where ``make rig`` was not run."""
    return _present(SMOLLM2)


def _present(path: Path) -> Path:
    if not path.is_file():
        raise PartMissing(f"the model file {path.name} is not here; run `make rig`")
    return path


def write_gguf(path: Path, size: int, seed: int = 0) -> Path:
    """Writes a real GPT-2 model of about ``size`` bytes (at least 400,000) to ``path``; every seed gives another one.

    The size is met within 5 kB. The weights are random, so nothing compresses them on the way. It can be loaded and
    generates text (nonsense).
    """
    return write_gpt2(path, shape_of_size(size), seed=seed, name=path.stem)


def create_model(server: OllamaServer, name: str, gguf_path: Path, **create_fields: object) -> None:
    """Makes the model ``name`` of a GGUF file: uploads the blob and calls ``/api/create``.

    ``create_fields`` go into the request (``template``, ``system``, ``parameters``, ``license``, ...). Raises
    CreateFailed when Ollama does not end with ``success`` or says ``error`` anywhere before.
    """
    digest = upload_blob(server, gguf_path)
    answer = server.call(
        "POST", "/api/create", {"model": name, "files": {gguf_path.name: digest}, **create_fields}, timeout=120
    )
    lines = answer.json_lines()
    errors = [line["error"] for line in lines if "error" in line]
    if answer.status != 200 or errors or not lines or lines[-1].get("status") != "success":
        raise CreateFailed(f"creating {name} of {gguf_path.name}: {answer.status} {errors or answer.body[-300:]!r}")


def upload_blob(server: OllamaServer, path: Path) -> str:
    """Uploads a file as a blob and returns its digest, ``sha256:<64 hex digits>``. Raises CreateFailed."""
    with path.open("rb") as file:
        digest = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    if server.call("HEAD", f"/api/blobs/{digest}").status == 200:
        return digest
    with path.open("rb") as file:
        headers = {"Content-Length": str(path.stat().st_size)}
        answer = call(server.port, "POST", f"/api/blobs/{digest}", file, headers=headers, timeout=120)
    if answer.status not in (200, 201):
        raise CreateFailed(f"uploading {path.name} was answered with {answer.status}: {answer.body[:300]!r}")
    return digest
