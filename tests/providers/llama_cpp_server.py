"""A second real server of OpenAI's API, where the machine has one: llama.cpp's ``llama-server``."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import TracebackType

from tests.rig import orphan_guard
from tests.rig.parts import RIG_DIR, PartMissing
from tests.rig.plain_http import call
from tests.rig.ports import free_port
from tests.rig.server_process import ServerProcess


def find_llama_server() -> str:
    """The program: ``LLAMA_SERVER_BIN``, the one on the path, or the rig's. Raises PartMissing."""
    found = os.environ.get("LLAMA_SERVER_BIN") or shutil.which("llama-server")
    if found:
        return found
    for program in (RIG_DIR / "venv" / "lib").glob("python3*/site-packages/skulk_llama_server*/**/llama-server"):
        if os.access(program, os.X_OK):
            return str(program)
    raise PartMissing("no llama-server is here; run make rig, put llama.cpp's on the path, or set LLAMA_SERVER_BIN")


class LlamaCppServer:
    """Serves one model from 127.0.0.1 in a ``with`` statement. Raises PartMissing when there is no program."""

    def __init__(self, model: Path, *options: str) -> None:
        self._program = find_llama_server()
        self._model = model
        self._options = options
        self.port = free_port()
        self._folder = orphan_guard.temporary_folder("llama-cpp")
        self._process = ServerProcess("llama-server", self._folder / "server.log")

    @property
    def base_url(self) -> str:
        """``http://127.0.0.1:<port>``."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> LlamaCppServer:
        program = self._program
        command = [program, "-m", str(self._model), "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["-c", "512", "-ngl", "0", "--threads", "2", *self._options]
        libraries = os.pathsep.join(filter(None, [str(Path(program).parent), os.environ.get("LD_LIBRARY_PATH")]))
        environment = os.environ | {"HOME": str(self._folder), "LD_LIBRARY_PATH": libraries}
        self._process.start(command, environment, self._ready)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.end_group()
        orphan_guard.remove_folder(self._folder)

    def _ready(self) -> bool:
        try:
            return call(self.port, "GET", "/health", timeout=2.0).status == 200
        except OSError:
            return False
