"""Reads a model's manifest from its registry: which blobs it has, and how big they are.

The manifest is asked for as Ollama does (``server/images.go``, 0.9.3), without a log-in. It tells the
size of a model before it is pulled, and whether there is such a model at all.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.request import getproxies, proxy_bypass

import msgspec
from msgspec import Struct, field

from .address import parse_host
from .errors import InvalidHost, PullFailed, PullFailure
from .names import ModelName
from .pull_failures import registry_status
from .wire import UNREADABLE

if TYPE_CHECKING:
    import aiohttp

__all__ = ["Layer", "Manifest", "fetch_manifest"]

_MEDIA_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
_MANIFEST_LIMIT = 4 * 1024 * 1024
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Layer(Struct, frozen=True, rename={"media_type": "mediaType"}):
    """One blob of a model; ``size`` in bytes."""

    digest: str
    size: int
    media_type: str = ""


class _WireManifest(Struct, frozen=True):
    config: Layer | None = None
    layers: list[Layer] | None = None


class Manifest(Struct, frozen=True):
    """What a model consists of.

    ``layers`` are in the order in which Ollama fetches them, without the ``config``, which it fetches
    last. ``digest`` is the sha256 of the manifest's own bytes, bare hexadecimal, as ``/api/tags`` shows
    it; before Ollama 0.19 the local manifest is written anew, so a difference proves nothing.
    """

    config: Layer
    layers: tuple[Layer, ...] = field(default_factory=tuple)
    digest: str = ""

    @property
    def total_size(self) -> int:
        """The size that ``/api/tags`` shows once the model is there: layers and config."""
        return sum(layer.size for layer in self.layers) + self.config.size

    @property
    def expected_layers(self) -> Mapping[str, int]:
        """Sizes by digest, in the order of the download: what a pull's total is known from."""
        sizes = {layer.digest: layer.size for layer in self.layers}
        sizes.setdefault(self.config.digest, self.config.size)
        return sizes


async def fetch_manifest(
    name: ModelName, *, insecure: bool = False, connect_timeout: float = 5.0, timeout_s: float = 15.0
) -> Manifest:
    """Read the manifest of a model from its registry; ``insecure`` means plain http.

    Like Ollama it uses the proxy of the environment, but never for this machine. Timeouts in seconds.
    Raises PullFailed: NOT_FOUND, REGISTRY_UNREACHABLE, REGISTRY_ERROR, UNAUTHORIZED,
    NEEDS_NEWER_OLLAMA, NOT_A_REGISTRY (an empty ``{}`` too, which would make Ollama wipe the model).
    """
    import aiohttp  # here, because it takes 0.15 s

    scheme = "http" if insecure else "https"
    url = f"{scheme}://{name.host}/v2/{name.namespace}/{name.model}/manifests/{name.tag}"
    limits = aiohttp.ClientTimeout(total=timeout_s, connect=connect_timeout, sock_connect=connect_timeout)
    session = aiohttp.ClientSession(
        headers={"Accept": _MEDIA_TYPE}, cookie_jar=aiohttp.DummyCookieJar(), timeout=limits, trust_env=False
    )
    async with session:
        try:
            async with session.get(url, proxy=_proxy(scheme, name.host), max_redirects=5) as reply:
                body = await _read(reply, name)
                if reply.status != 200:
                    raise registry_status(reply.status, name.short, body[:500].decode(errors="replace"))
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            raise _unreachable(name, error) from error
    return parse_manifest(body, name)


def parse_manifest(body: bytes, name: ModelName) -> Manifest:
    """Read a manifest's bytes. Raises PullFailed of the kind NOT_A_REGISTRY if they are none."""
    try:
        wire = msgspec.json.decode(body, type=_WireManifest)
    except UNREADABLE as error:
        raise _not_a_registry(name, body) from error
    layers = tuple(wire.layers or ())
    config = wire.config
    if config is None or not layers:
        raise _not_a_registry(name, body)
    if not all(_DIGEST.fullmatch(layer.digest) and layer.size >= 0 for layer in (*layers, config)):
        raise _not_a_registry(name, body)
    return Manifest(config, layers, hashlib.sha256(body).hexdigest())


async def _read(reply: aiohttp.ClientResponse, name: ModelName) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in reply.content.iter_any():
        pieces.append(piece)
        size += len(piece)
        if size > _MANIFEST_LIMIT:
            raise _not_a_registry(name, pieces[0])
    return b"".join(pieces)


def _proxy(scheme: str, host: str) -> str | None:
    try:
        address = parse_host(f"{scheme}://{host}")
    except InvalidHost:
        return None
    if address.is_loopback or proxy_bypass(address.host):
        return None
    return getproxies().get(scheme)


def _unreachable(name: ModelName, error: Exception) -> PullFailed:
    import aiohttp

    retryable = True
    if isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError):
        what = "can't be reached through the proxy; check the proxy settings of this machine."
    elif isinstance(error, aiohttp.ClientResponseError):
        return _not_a_registry(name, str(error).encode())
    elif isinstance(error, TimeoutError):
        what = "gave no answer in time; check the internet connection, then try again."
    elif isinstance(error, aiohttp.ClientConnectorCertificateError):
        what = "has a certificate that is not trusted; correct it, or the clock of this machine."
        retryable = False
    elif isinstance(error, aiohttp.ClientSSLError):
        what = "doesn't speak https; allow an insecure registry for this install if it is yours."
        retryable = False
    elif isinstance(error, aiohttp.ClientConnectorDNSError):
        what = "is not known; check the name and the internet connection."
    else:
        what = "can't be reached; check the name and the internet connection."
    return PullFailed(
        f"The registry {name.host} {what}",
        PullFailure.REGISTRY_UNREACHABLE,
        retryable,
        detail=str(error) or type(error).__name__,
    )


def _not_a_registry(name: ModelName, body: bytes) -> PullFailed:
    return PullFailed(
        f"{name.host} doesn't answer as a registry of models does; check the name {name.short} "
        "and whether a log-in page of the network is in the way.",
        PullFailure.NOT_A_REGISTRY,
        detail=body[:200].decode(errors="replace"),
    )
