"""Reads from a registry what a model is, without fetching it: its configuration, licence, parameters, and the first
bytes of its weights, in which a GGUF file describes itself.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from ecs_localai.components.model_facts import CacheNeed, ModelFacts

from .errors import PullFailed, PullFailure
from .gguf import GgufHead, NotGguf, parse_gguf
from .model_memory import UnknownLayout, cache_need, max_context_length
from .names import ModelName
from .registry import Layer, Manifest
from .registry_http import RegistryCalls
from .wire import UNREADABLE

__all__ = ["HEAD_LIMIT", "facts_from"]

HEAD_LIMIT = 2 * 1024 * 1024
"""So many of the first bytes of the weights are read at most: what tells the size of the cache comes early."""
_STEPS = (64 * 1024, 512 * 1024, HEAD_LIMIT)
_WHOLE_LIMIT = 1024 * 1024
_LICENSE_BYTES = 4096
_LICENSE_LINE = 120


class _Configuration(Struct, frozen=True):
    """Ollama's ``ConfigV2`` (``types/model/config.go``, 0.14), as far as it is of use here."""

    model_format: str | None = None
    model_family: str | None = None
    model_type: str | None = None
    file_type: str | None = None
    requires: str | None = None
    remote_host: str | None = None
    context_length: int | None = None


_Parameters = dict[str, str | int | float | bool | list[str | int | float | bool] | None]


async def facts_from(calls: RegistryCalls, name: ModelName, manifest: Manifest) -> ModelFacts:
    """What the files of a manifest say. What cannot be read leaves its fields empty; `ModelFacts.missing` says why.

    Raises nothing of a registry's.
    """
    ends = {layer.media_type.rpartition(".")[2]: layer for layer in reversed(manifest.layers)}
    reader = _Reader(calls, name)
    configuration, parameters, license_line, head = await asyncio.gather(
        reader.configuration(manifest.config),
        reader.parameters(ends.get("params")),
        reader.license_line(ends.get("license")),
        reader.head(ends.get("model")),
    )
    metadata = head.metadata if head is not None else {}
    need, reason = _cache(metadata, configuration, reader.head_reason)
    return ModelFacts(
        family=configuration.model_family or "",
        parameter_size=configuration.model_type or "",
        quantization=(configuration.file_type or "").replace("unknown", ""),
        license=license_line,
        parameters=parameters,
        requires=configuration.requires or "",
        remote_host=configuration.remote_host or "",
        max_context_length=max_context_length(metadata) or configuration.context_length or None,
        cache=need,
        cache_reason=reason,
        missing=reader.missing,
    )


def _cache(metadata: Mapping[str, object], configuration: _Configuration, reason: str) -> tuple[CacheNeed | None, str]:
    if configuration.remote_host:
        return None, "The model runs elsewhere."
    if not metadata:
        return None, reason or "The model is not in the GGUF format, so its cache cannot be worked out."
    try:
        return cache_need(metadata), ""
    except UnknownLayout as error:
        return None, str(error)


class _Reader:
    """Reads the files of one model, and remembers the first reason why something could not be read."""

    def __init__(self, calls: RegistryCalls, name: ModelName) -> None:
        self._calls = calls
        self._name = name
        self.missing = ""
        self.head_reason = ""

    async def configuration(self, layer: Layer) -> _Configuration:
        content = await self._whole(layer, "configuration")
        try:
            return msgspec.json.decode(content, type=_Configuration) if content else _Configuration()
        except UNREADABLE:
            self._miss("configuration", "it makes no sense")
            return _Configuration()

    async def parameters(self, layer: Layer | None) -> dict[str, str]:
        content = b"" if layer is None else await self._whole(layer, "parameters")
        try:
            read = msgspec.json.decode(content, type=_Parameters) if content else {}
        except UNREADABLE:
            self._miss("parameters", "they make no sense")
            return {}
        return {key: _said(value) for key, value in read.items() if value is not None}

    async def license_line(self, layer: Layer | None) -> str:
        if layer is None:
            return ""
        try:
            content = bytearray()
            await self._read_on(layer, content, min(_LICENSE_BYTES, layer.size))
        except PullFailed as error:
            self._miss("licence", _why(error))
            return ""
        lines = (" ".join(line.split()) for line in content.decode("utf-8", "replace").splitlines())
        line = next((line for line in lines if line), "")
        return line if len(line) <= _LICENSE_LINE else f"{line[: _LICENSE_LINE - 1].rstrip()}…"

    async def head(self, layer: Layer | None) -> GgufHead | None:
        """The description at the beginning of the weights, as soon as enough of it has come."""
        if layer is None:
            return None
        found: GgufHead | None = None
        content = bytearray()
        try:
            for step in _STEPS:
                await self._read_on(layer, content, min(step, layer.size))
                found = parse_gguf(bytes(content))
                if found.is_complete or _has_passed(found) or len(content) >= layer.size:
                    break
        except PullFailed as error:
            self._miss("weights", _why(error))
            self.head_reason = f"Its cache cannot be worked out: {_why(error)}"
            return None  # what has come of it may lack what would make the sum another one
        except NotGguf:
            self._miss("weights", "they are no GGUF file")
            self.head_reason = "The model is not in the GGUF format, so its cache cannot be worked out."
        return found

    async def _whole(self, layer: Layer, what: str) -> bytes:
        """A small file, if it is what its digest says; else nothing."""
        if layer.size > _WHOLE_LIMIT:
            self._miss(what, "it is too large")
            return b""
        try:
            async with self._calls.get(f"blobs/{layer.digest}", {}, layer.size + 1) as reply:
                content = await reply.read()
        except PullFailed as error:
            self._miss(what, _why(error))
            return b""
        if f"sha256:{hashlib.sha256(content).hexdigest()}" != layer.digest:
            self._miss(what, "it arrived damaged")
            return b""
        return content

    async def _read_on(self, layer: Layer, content: bytearray, end: int) -> None:
        """Have the first bytes up to `end`, asked for by Range; who ignores that is not read any further either."""
        if len(content) >= end:
            return
        span = {"Range": f"bytes={len(content)}-{end - 1}"}
        async with self._calls.get(f"blobs/{layer.digest}", span, end) as reply:
            if not reply.is_partial:
                content.clear()
            async for piece in reply.pieces():
                content += piece[: end - len(content)]

    def _miss(self, what: str, why: str) -> None:
        if not self.missing:
            end = "" if why.endswith(".") else "."
            self.missing = f"The {what} of {self._name.short} could not be read: {why}{end}"


def _why(error: PullFailed) -> str:
    return "its registry lacks that file." if error.kind is PullFailure.FILE_MISSING else error.message


def _has_passed(head: GgufHead) -> bool:
    """Whether the entries of the architecture have all been read: others come behind them."""
    prefix = f"{head.architecture}."
    keys = list(head.metadata)
    return (
        bool(head.architecture)
        and any(key.startswith(prefix) for key in keys)
        and keys[-1].startswith("tokenizer.")
        and f"{prefix}block_count" in head.metadata
    )


def _said(value: str | float | bool | list[str | int | float | bool]) -> str:
    if isinstance(value, list):
        return ", ".join(_said(one) for one in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
