"""A real OCI registry to pull models from: Debian's docker-registry, its blobs served by our own FileServer.

Ollama's pull demands that a blob request is redirected to *another hostname*; so model names call the registry
``localhost`` and its storage middleware ``redirect`` sends blob requests to ``127.0.0.1``, where ``files`` serves the
same folder and can be made slow, broken or silent.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from types import TracebackType

from tests.rig import orphan_guard
from tests.rig.file_server import FileServer
from tests.rig.ollama_server import OllamaServer
from tests.rig.parts import RIG_DIR, find_program
from tests.rig.plain_http import Answer, JsonObject, call
from tests.rig.ports import free_port
from tests.rig.server_process import ServerProcess

MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_CONFIG = """\
version: 0.1
log:
  level: info
  accesslog:
    disabled: false
storage:
  filesystem:
    rootdirectory: {root}
  delete:
    enabled: true
  maintenance:
    uploadpurging:
      enabled: false
middleware:
  storage:
    - name: redirect
      options:
        baseurl: {files}
http:
  addr: 127.0.0.1:{port}
"""


class PushFailed(RuntimeError):
    """A model could not be pushed; the text is Ollama's answer."""


class Registry:
    """A registry on 127.0.0.1, running as soon as it is made. Raises PartMissing when docker-registry is not here.

    ``files`` is the server behind it, with the faults. ``root`` is its storage on disk. Give ``port`` to run it where
    another one was; ``root`` given is kept when it stops.
    """

    def __init__(self, root: Path | None = None, port: int | None = None) -> None:
        program = find_program(
            "docker-registry",
            extra=RIG_DIR / "registry" / "usr" / "bin" / "docker-registry",
            remedy="run `make test`, or: apt-get install docker-registry",
        )
        self._folder = orphan_guard.temporary_folder("registry")
        self.root = root or self._folder / "storage"
        self.root.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self.files = FileServer(self.root)
        config = self._folder / "config.yml"
        config.write_text(_CONFIG.format(root=self.root, files=self.files.base_url, port=self.port), encoding="utf-8")
        self._process = ServerProcess("docker-registry", self._folder / "registry.log")
        environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(self._folder), "OTEL_TRACES_EXPORTER": "none"}
        self._command = [str(program), "serve", str(config)]
        self._environment = environment
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    def start(self) -> None:
        """Starts the registry process again after ``halt``, on the same port with the same contents."""
        self._process.start(self._command, self._environment, self._answers)

    def halt(self) -> None:
        """Ends the registry process alone: connections to it are refused, the file server runs on."""
        self._process.end_group()

    def stop(self) -> None:
        """Ends the registry and its file server and removes its temporary folder. A second call does nothing."""
        self._process.end_group()
        self.files.stop()
        orphan_guard.remove_folder(self._folder)

    @property
    def address(self) -> str:
        """``localhost:<port>``: the registry as model names call it."""
        return f"localhost:{self.port}"

    def name_for(self, name: str) -> str:
        """The full name of a model here: ``smollm2:135m`` is ``localhost:<port>/library/smollm2:135m``."""
        path = name if "/" in name else f"library/{name}"
        return f"{self.address}/{path}"

    def push(self, server: OllamaServer, model: str, as_name: str) -> str:
        """Pushes ``model`` of the server under ``as_name`` (as ``name_for`` takes it) and returns its full name.

        Pushing another model to the same name moves the tag. The copy that Ollama needs for it is deleted from the
        server. Raises PushFailed.
        """
        full = self.name_for(as_name)
        copied = server.call("POST", "/api/copy", {"source": model, "destination": full})
        if copied.status != 200:
            raise PushFailed(f"copying {model} to {full} was answered with {copied.status}: {copied.body[:300]!r}")
        try:
            trouble = self._push(server, full)
            if "MANIFEST_BLOB_UNKNOWN" in trouble:
                # After a push for which the registry took a file from another model of its own (as for one that was
                # made of another model), Ollama believes for ever that it is sending that file (0.9.3,
                # ``server/upload.go``: ``Run`` waits for an address that never comes).
                for digest in _DIGEST.findall(trouble):
                    self._take_blob(server, self._split(as_name)[0], digest)
                trouble = self._push(server, full)
            if trouble:
                raise PushFailed(f"pushing {full}: {trouble}")
        finally:
            server.delete(full)
        return full

    def _push(self, server: OllamaServer, full: str) -> str:
        """What is wrong with a push; empty where nothing is."""
        answer = server.call("POST", "/api/push", {"model": full, "insecure": True}, timeout=120)
        lines = answer.json_lines()
        errors = [line["error"] for line in lines if "error" in line]
        if answer.status != 200 or errors or not lines or lines[-1].get("status") != "success":
            return f"{answer.status} {errors or answer.body[-300:]!r}"
        return ""

    def _take_blob(self, server: OllamaServer, repository: str, digest: str) -> None:
        """Takes a file of the server into a repository, as a registry's API has it. Raises PushFailed."""
        begun = self.call("POST", f"/v2/{repository}/blobs/uploads/", b"")
        place = begun.headers.get("location", "")
        path = place.partition(f":{self.port}")[2] or place
        content = (server.models_dir / "blobs" / digest.replace(":", "-")).read_bytes()
        ended = self.call("PUT", f"{path}{'&' if '?' in path else '?'}digest={digest}", content)
        if ended.status != 201:
            raise PushFailed(f"sending {digest} to {repository}: {begun.status}, {ended.status} {ended.body[:300]!r}")

    def manifest(self, name: str) -> JsonObject:
        """The manifest of a model (as ``name_for`` takes it). Raises KeyError when there is none."""
        repository, tag = self._split(name)
        answer = self.call("GET", f"/v2/{repository}/manifests/{tag}", headers={"Accept": MANIFEST_TYPE})
        if answer.status != 200:
            raise KeyError(f"no manifest for {name}: {answer.status}")
        return answer.json()

    def layer_digests(self, name: str) -> dict[str, str]:
        """The digests of a model's layers by the end of their media type: ``model``, ``template``, ``license``..."""
        layers = self.manifest(name)["layers"]
        if not isinstance(layers, list):
            raise TypeError(f"the manifest of {name} has no list of layers")
        return {str(layer["mediaType"]).rpartition(".")[2]: str(layer["digest"]) for layer in layers}

    def put_manifest(self, name: str, manifest: JsonObject | bytes) -> None:
        """Stores a manifest under the name, a new tag or a moved one. Raises ValueError when it is refused."""
        repository, tag = self._split(name)
        body = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
        answer = self.call("PUT", f"/v2/{repository}/manifests/{tag}", body, headers={"Content-Type": MANIFEST_TYPE})
        if answer.status != 201:
            raise ValueError(f"the registry refused the manifest: {answer.status} {answer.body[:300]!r}")

    def delete_tag(self, name: str) -> None:
        """Removes the tag from disk: pulling it says that it doesn't exist. Raises FileNotFoundError."""
        repository, tag = self._split(name)
        tags = self.root / "docker" / "registry" / "v2" / "repositories" / repository / "_manifests" / "tags"
        shutil.rmtree(tags / tag)

    def blob_path(self, digest: str) -> Path:
        """The file of a blob on disk, to look at, spoil or remove."""
        plain = digest.removeprefix("sha256:")
        return self.root / "docker" / "registry" / "v2" / "blobs" / "sha256" / plain[:2] / plain / "data"

    def call(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        """One request to the registry. Raises OSError, http.client.HTTPException."""
        return call(self.port, method, path, body, headers=headers)

    def log_text(self) -> str:
        """All that docker-registry has written so far."""
        return self._process.log_text()

    def _answers(self) -> bool:
        try:
            return self.call("GET", "/v2/").status == 200
        except OSError:
            return False

    def _split(self, name: str) -> tuple[str, str]:
        path = self.name_for(name).removeprefix(f"{self.address}/")
        repository, _, tag = path.partition(":")
        return repository, tag or "latest"

    def __enter__(self) -> Registry:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
