"""A real Ollama server on a port and in folders of its own."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from tests.rig import orphan_guard
from tests.rig.ollama_program import OllamaProgram, find_ollama
from tests.rig.plain_http import Answer, call
from tests.rig.ports import free_port
from tests.rig.server_process import ServerDied, ServerProcess
from tests.rig.waiting import wait_until


class OllamaServer:
    """A real Ollama server; ``start`` it, or use it in a ``with`` statement.

    ``models_dir`` is kept when the server stops; without one it gets a temporary folder, which ``stop`` removes.
    ``env`` adds to the server's environment (``OLLAMA_NOPRUNE``, ``OLLAMA_MAX_QUEUE``, ``HTTPS_PROXY``...). ``port``
    is chosen when None; it stays the same over ``restart``. Raises PartMissing when there is no Ollama here.
    """

    def __init__(
        self,
        models_dir: Path | None = None,
        env: Mapping[str, str] | None = None,
        port: int | None = None,
        *,
        program: OllamaProgram | None = None,
    ) -> None:
        self.program = program or find_ollama()
        self._wanted_port = port
        self._port = port or free_port()
        self._env = dict(env or {})
        self._home: Path | None = None
        self._given_models_dir = models_dir
        self._process: ServerProcess | None = None

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1."""
        return self._port

    @property
    def host_port(self) -> str:
        """``127.0.0.1:<port>``."""
        return f"127.0.0.1:{self._port}"

    @property
    def base_url(self) -> str:
        """``http://127.0.0.1:<port>``."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def models_dir(self) -> Path:
        """The folder with the server's ``blobs`` and ``manifests``."""
        return self._given_models_dir or self._folder() / "models"

    @property
    def pid(self) -> int:
        """The server's process id. Raises RuntimeError when it was never started."""
        return self._server().pid

    @property
    def running(self) -> bool:
        """Whether the server process runs now."""
        return self._process is not None and self._process.running

    def start(self) -> OllamaServer:
        """Starts the server and returns when it answers ``GET /api/version``. Raises ServerDied, DeadlinePassed."""
        for last_try in (False, False, True):
            try:
                self._start_once()
                return self
            except ServerDied as death:
                # Somebody else took the port between our look at it and the server's start.
                if last_try or self._wanted_port is not None or "address already in use" not in str(death):
                    raise
                self._port = free_port()
        return self

    def _start_once(self) -> None:
        folder = self._folder()
        if self._process is None:
            self._process = ServerProcess("ollama", folder / "server.log")
        self.models_dir.mkdir(parents=True, exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OLLAMA_")}
        environment |= {"HOME": str(folder), "OLLAMA_HOST": self.host_port, "OLLAMA_MODELS": str(self.models_dir)}
        environment |= self.program.environment | self._env
        self._process.start([str(self.program.path), "serve"], environment, self._answers)

    def _answers(self) -> bool:
        try:
            return call(self._port, "GET", "/api/version", timeout=2.0).status == 200
        except OSError:
            return False

    def stop(self) -> None:
        """Ends the server and its runners and removes its temporary folder. A second call does nothing."""
        if self._process is not None:
            self._process.end_group()
        if self._home is not None:
            orphan_guard.remove_folder(self._home)
            self._home = None
        self._process = None

    def kill(self) -> None:
        """SIGKILL to the server alone, as the kernel does when memory runs out: runners stay (until ``stop``)."""
        self._server().signal_and_wait(signal.SIGKILL)

    def terminate(self) -> None:
        """SIGTERM: Ollama cuts its streams at once and ends with its runners."""
        self._server().signal_and_wait(signal.SIGTERM)

    def restart(self) -> None:
        """Starts the server again on the same port with the same models, ending it first where it still runs."""
        if self.running:
            self.terminate()
        self._start_once()

    def pause(self) -> None:
        """SIGSTOP: the kernel accepts connections, the server never answers, until ``unpause``. Linux only."""
        os.kill(self.pid, signal.SIGSTOP)
        wait_until(self._all_stopped, describe="all threads of the server to stop")

    def _all_stopped(self) -> bool:
        threads = Path(f"/proc/{self.pid}/task").glob("*/stat")
        try:
            return all(thread.read_text().rpartition(")")[2].split()[0] == "T" for thread in threads)
        except OSError:  # a thread ended meanwhile, so they are not all stopped
            return False

    def unpause(self) -> None:
        """SIGCONT: the server goes on."""
        os.kill(self.pid, signal.SIGCONT)

    def log_text(self) -> str:
        """All that the server has written so far; empty after ``stop``."""
        return "" if self._process is None else self._process.log_text()

    def call(self, method: str, path: str, body: Mapping[str, object] | None = None, timeout: float = 60.0) -> Answer:
        """One request to the server, past the product. Raises OSError, http.client.HTTPException."""
        return call(self._port, method, path, body, timeout=timeout)

    def model_names(self) -> list[str]:
        """The names in ``/api/tags``, as the server writes them, sorted."""
        models = self.call("GET", "/api/tags").json().get("models") or []
        if not isinstance(models, list):
            raise TypeError(f"/api/tags has no list of models: {models!r}")
        return sorted(str(model["name"]) for model in models)

    def delete(self, name: str) -> None:
        """Deletes a model; no error when it is not there. Raises RuntimeError for any other answer."""
        answer = self.call("DELETE", "/api/delete", {"model": name})
        if answer.status not in (200, 404):
            raise RuntimeError(f"deleting {name} was answered with {answer.status}: {answer.body[:300]!r}")

    def _server(self) -> ServerProcess:
        if self._process is None:
            raise RuntimeError("the Ollama server was not started")
        return self._process

    def _folder(self) -> Path:
        if self._home is None:
            self._home = orphan_guard.temporary_folder("ollama")
        return self._home

    def __enter__(self) -> OllamaServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
