"""Reads a model's manifest from its registry: which blobs it has, and how big they are.

The manifest is asked for as Ollama does (``server/images.go``, 0.9.3), without a log-in. It tells the
size of a model before it is pulled, and whether there is such a model at all.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

import msgspec
from msgspec import Struct, field

from ecs_localai.components.registry import RegistryEntry, RegistryLayer
from ecs_localai.components.time_values import utc_now

from .cloud_names import is_cloud_name
from .names import ModelName
from .registry_http import RegistryCalls, not_a_registry
from .wire import UNREADABLE

__all__ = ["Layer", "Manifest", "entry_of", "fetch_manifest", "manifest_from", "parse_manifest"]

_MEDIA_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
_MANIFEST_LIMIT = 4 * 1024 * 1024
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Layer(Struct, frozen=True, rename={"media_type": "mediaType", "made_of": "from"}):
    """One blob of a model; ``size`` in bytes."""

    digest: str
    size: int
    media_type: str = ""
    made_of: str = ""
    """Of the weights: the model, or the file, that the model was made of (``from``, Ollama 0.9.3)."""


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
    Raises PullFailed: NOT_FOUND, REGISTRY_UNREACHABLE, PLAIN_HTTP, REGISTRY_ERROR, UNAUTHORIZED,
    NEEDS_NEWER_OLLAMA, NOT_A_REGISTRY (an empty ``{}`` too, which would make Ollama wipe the model).
    """
    calls = RegistryCalls(name, insecure=insecure, connect_timeout=connect_timeout, timeout_s=timeout_s)
    async with calls:
        return await manifest_from(calls, name)


async def manifest_from(calls: RegistryCalls, name: ModelName) -> Manifest:
    """Like `fetch_manifest`, over connections that are there."""
    async with calls.get(f"manifests/{name.tag}", {"Accept": _MEDIA_TYPE}, _MANIFEST_LIMIT) as reply:
        body = await reply.read()
    return parse_manifest(body, name)


def parse_manifest(body: bytes, name: ModelName) -> Manifest:
    """Read a manifest's bytes. Raises PullFailed of the kind NOT_A_REGISTRY if they are none."""
    try:
        wire = msgspec.json.decode(body, type=_WireManifest)
    except UNREADABLE as error:
        raise not_a_registry(name, body[:200].decode(errors="replace")) from error
    layers = tuple(wire.layers or ())
    config = wire.config
    if config is None or (not layers and not is_cloud_name(name)):  # a cloud model's stub is its configuration alone
        raise not_a_registry(name, body[:200].decode(errors="replace"))
    if not all(_DIGEST.fullmatch(layer.digest) and layer.size >= 0 for layer in (*layers, config)):
        raise not_a_registry(name, body[:200].decode(errors="replace"))
    return Manifest(config, layers, hashlib.sha256(body).hexdigest())


def entry_of(name: ModelName, manifest: Manifest) -> RegistryEntry:
    """A manifest as it is remembered: by the name in its short form, from now on."""
    layers = [RegistryLayer(one.digest, one.size, one.media_type) for one in (*manifest.layers, manifest.config)]
    return RegistryEntry(name.short, manifest.digest, layers, utc_now())
