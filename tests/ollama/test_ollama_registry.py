"""Manifests: from a real registry, and from servers that are none."""

from __future__ import annotations

import asyncio
import hashlib
from functools import partial

import pytest

from ecs_localai.ollama import Manifest, ModelName, PullFailed, PullFailure, fetch_manifest, parse_model_name
from ecs_localai.ollama.pull_failures import pull_failure
from ecs_localai.ollama.registry import parse_manifest
from tests.ollama.ollama_parts import assert_one_clear_sentence, pipe_to
from tests.rig.odd_servers import CaptivePortal, LongLines, LooseJsonApi, NotHttp, OddServer, Silent, closed_port
from tests.rig.registry import MANIFEST_TYPE, Registry


def _name(port: int) -> ModelName:
    return parse_model_name(f"localhost:{port}/library/tiny:latest")


@pytest.mark.registry
async def test_the_manifest_of_a_model(registry: Registry) -> None:
    manifest = await fetch_manifest(parse_model_name(registry.name_for("tiny:latest")), insecure=True)
    raw = registry.call("GET", "/v2/library/tiny/manifests/latest", headers={"Accept": MANIFEST_TYPE}).body
    wanted = registry.manifest("tiny:latest")
    layers, config = wanted["layers"], wanted["config"]
    assert isinstance(layers, list)
    assert isinstance(config, dict)
    assert [(layer.digest, layer.size, layer.media_type) for layer in manifest.layers] == [
        (layer["digest"], layer["size"], layer["mediaType"]) for layer in layers
    ]
    assert manifest.config.digest == config["digest"]
    assert manifest.total_size == sum(layer["size"] for layer in layers) + config["size"]
    assert list(manifest.expected_layers) == [layer["digest"] for layer in layers] + [config["digest"]]
    assert manifest.digest == hashlib.sha256(raw).hexdigest()


async def _failure(name: ModelName, *, insecure: bool = True, timeout_s: float = 5.0) -> PullFailed:
    with pytest.raises(PullFailed) as caught:
        await fetch_manifest(name, insecure=insecure, connect_timeout=3.0, timeout_s=timeout_s)
    assert_one_clear_sentence(caught.value)
    return caught.value


@pytest.mark.registry
async def test_a_model_that_is_not_there(registry: Registry) -> None:
    error = await _failure(parse_model_name(registry.name_for("nothing:1")))
    assert error.kind is PullFailure.NOT_FOUND
    assert not error.retryable
    assert "nothing:1" in error.message


@pytest.mark.registry
async def test_a_plain_registry_asked_by_https(registry: Registry) -> None:
    error = await _failure(parse_model_name(registry.name_for("tiny:latest")), insecure=False)
    assert error.kind is PullFailure.PLAIN_HTTP
    assert not error.retryable
    assert "insecure" in error.message


async def test_a_registry_that_is_down() -> None:
    error = await _failure(_name(closed_port()))
    assert error.kind is PullFailure.REGISTRY_UNREACHABLE
    assert error.retryable


async def test_a_registry_whose_name_nobody_knows() -> None:
    error = await _failure(parse_model_name("nobody-has-this-name.invalid/library/x"), timeout_s=20)
    assert error.kind is PullFailure.REGISTRY_UNREACHABLE
    assert "can't be found; check its name" in error.message


async def test_a_registry_that_never_answers() -> None:
    with Silent() as server:
        error = await _failure(_name(server.port), timeout_s=0.3)
    assert error.kind is PullFailure.REGISTRY_UNREACHABLE
    assert "in time" in error.message


@pytest.mark.parametrize("kind", [CaptivePortal, LooseJsonApi, LongLines])
async def test_what_answers_is_no_registry(kind: type[OddServer]) -> None:
    with kind() as server:
        error = await _failure(_name(server.port))
    assert error.kind is PullFailure.NOT_A_REGISTRY
    assert not error.retryable


async def test_what_answers_speaks_no_http() -> None:
    with NotHttp() as server:
        error = await _failure(_name(server.port))
    assert error.kind is PullFailure.NOT_A_REGISTRY


@pytest.mark.parametrize(
    "body",
    [
        b"{}",  # with 200, Ollama 0.9.3 takes it for a manifest and wipes the model that is there
        b'{"config":null,"layers":null}',
        b'{"config":{"digest":"sha256:' + b"a" * 64 + b'","size":1},"layers":[]}',
        b'{"config":{"digest":"sha256:short","size":1},"layers":[{"digest":"sha256:' + b"a" * 64 + b'","size":1}]}',
        b'{"layers":[{"digest":"sha256:' + b"a" * 64 + b'","size":1}]}',
        b'{"config":{"digest":"sha256:'
        + b"a" * 64
        + b'","size":-1},"layers":[{"digest":"sha256:'
        + b"a" * 64
        + b'","size":1}]}',
        b"[]",
        b"",
        b"<html>",
    ],
)
def test_a_manifest_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(PullFailed) as caught:
        parse_manifest(body, _name(1))
    assert caught.value.kind is PullFailure.NOT_A_REGISTRY
    assert_one_clear_sentence(caught.value)


def test_a_blob_used_twice_is_fetched_once_and_counted_twice() -> None:
    blob = b'{"digest":"sha256:' + b"a" * 64 + b'","size":5,"mediaType":"x"}'
    config = b'{"digest":"sha256:' + b"b" * 64 + b'","size":7}'
    manifest = parse_manifest(b'{"config":' + config + b',"layers":[' + blob + b"," + blob + b"]}", _name(1))
    assert isinstance(manifest, Manifest)
    assert manifest.total_size == 17
    assert list(manifest.expected_layers.values()) == [5, 7]


class _Status(OddServer):
    """Answers everything with one status."""

    def __init__(self, status: int) -> None:
        self._status = status
        super().__init__()

    async def respond(self, method: str, path: str, writer: asyncio.StreamWriter) -> None:
        """The status, and a body as registries send it."""
        writer.write(f"HTTP/1.1 {self._status} X\r\nContent-Length: 13\r\n\r\n".encode() + b'{"errors":[]}')


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (401, PullFailure.UNAUTHORIZED, False),
        (403, PullFailure.UNAUTHORIZED, False),
        (404, PullFailure.NOT_FOUND, False),
        (400, PullFailure.REGISTRY_ERROR, False),
        (412, PullFailure.NEEDS_NEWER_OLLAMA, False),
        (429, PullFailure.REGISTRY_ERROR, True),
        (500, PullFailure.REGISTRY_ERROR, True),
        (503, PullFailure.REGISTRY_ERROR, True),
    ],
)
async def test_refusals_of_a_registry(status: int, kind: PullFailure, retryable: bool) -> None:
    with _Status(status) as server:
        error = await _failure(_name(server.port))
    assert (error.kind, error.retryable) == (kind, retryable)
    assert error.detail == '{"errors":[]}'


@pytest.mark.registry
async def test_a_proxy_is_used_but_never_for_this_machine(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    name = parse_model_name(registry.name_for("tiny:latest"))
    direct = await fetch_manifest(name, insecure=True)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    assert await fetch_manifest(name, insecure=True) == direct
    away = ModelName("registry.example", name.namespace, name.model, name.tag)
    error = await _failure(away)
    assert error.kind is PullFailure.REGISTRY_UNREACHABLE
    assert "proxy" in error.message
    # A door to the registry as the proxy: it answers requests for other hosts by its own contents.
    async with await asyncio.start_server(partial(pipe_to, registry.port), "127.0.0.1", 0) as door:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{door.sockets[0].getsockname()[1]}")
        assert await fetch_manifest(away, insecure=True) == direct


@pytest.mark.parametrize(
    ("text", "kind", "retryable"),
    [
        ("pull model manifest: file does not exist", PullFailure.NOT_FOUND, False),
        ("file does not exist", PullFailure.FILE_MISSING, False),
        ("invalid model name", PullFailure.INVALID_NAME, False),
        (
            'pull model manifest: Get "https://r.example/v2/": dial tcp 1.2.3.4:443: connect: connection refused',
            PullFailure.REGISTRY_UNREACHABLE,
            True,
        ),
        (
            'pull model manifest: Get "https://r.example/v2/": dial tcp: lookup r.example: no such host',
            PullFailure.REGISTRY_UNREACHABLE,
            True,
        ),
        ('Get "https://r.example/v2/": net/http: TLS handshake timeout', PullFailure.REGISTRY_UNREACHABLE, True),
        ('Get "https://r.example/v2/": Forbidden', PullFailure.REGISTRY_UNREACHABLE, False),
        (
            'Get "https://r.example/": tls: failed to verify certificate: x509: certificate signed by unknown',
            PullFailure.REGISTRY_UNREACHABLE,
            False,
        ),
        (
            'Get "https://localhost:5000/v2/": http: server gave HTTP response to HTTPS client',
            PullFailure.PLAIN_HTTP,
            False,
        ),
        ('pull model manifest: 500: {"errors":[]}', PullFailure.REGISTRY_ERROR, True),
        ("pull model manifest: 503: upstream", PullFailure.REGISTRY_ERROR, True),
        ("pull model manifest: 429: slow down", PullFailure.REGISTRY_ERROR, True),
        ("pull model manifest: 418: teapot", PullFailure.REGISTRY_ERROR, False),
        (
            "pull model manifest: 412: \n\nThe model you are attempting to pull requires a newer version of Ollama.",
            PullFailure.NEEDS_NEWER_OLLAMA,
            False,
        ),
        ("pull model manifest: 401: {}", PullFailure.UNAUTHORIZED, False),
        ("401", PullFailure.UNAUTHORIZED, False),
        ('realm host "a" does not match original host "b"', PullFailure.UNAUTHORIZED, False),
        (
            "manifest: invalid character '<' looking for beginning of value",
            PullFailure.NOT_A_REGISTRY,
            False,
        ),
        ("http: no Location header in response", PullFailure.NOT_A_REGISTRY, False),
        ("max retries exceeded: EOF", PullFailure.REGISTRY_ERROR, True),
        ("max retries exceeded: unexpected EOF", PullFailure.REGISTRY_ERROR, True),
        ("context deadline exceeded", PullFailure.REGISTRY_ERROR, True),
        ("unexpected EOF", PullFailure.CUT, True),
        ("context canceled", PullFailure.CUT, True),
        ("read tcp 1.2.3.4:1->5.6.7.8:443: read: connection reset by peer", PullFailure.CUT, True),
        (
            "digest mismatch, file must be downloaded again: want sha256:a, got sha256:b",
            PullFailure.DIGEST_MISMATCH,
            True,
        ),
        ("write /x/blobs/sha256-a-partial: no space left on device", PullFailure.DISK_FULL, False),
        ("write C:\\x: There is not enough space on the disk.", PullFailure.DISK_FULL, False),
        ("open /x/blobs/sha256-a-partial: operation not permitted", PullFailure.UNWRITABLE, False),
        ("mkdir /x: read-only file system", PullFailure.UNWRITABLE, False),
        ("something new\nin two lines.", PullFailure.OTHER, False),
        ("", PullFailure.OTHER, False),
    ],
)
def test_what_ollama_says_is_sorted(text: str, kind: PullFailure, retryable: bool) -> None:
    """The texts are Ollama's own: seen in 0.9.3, or read in its sources."""
    error = pull_failure(text, "x:latest")
    assert (error.kind, error.retryable) == (kind, retryable)
    assert error.detail == text
    assert_one_clear_sentence(error)
