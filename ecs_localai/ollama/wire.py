"""What Ollama's API answers, as msgspec structs.

Ollama is written in Go: a number that is zero is left out, a list that is empty may be ``null``, and
newer versions add fields. So every field has a default, ``null`` lists read as empty ones and unknown
fields are ignored. Times stay text until somebody asks (:func:`parse_timestamp`). Durations are whole
nanoseconds, sizes bytes. Fields by version: ollama 0.9.3 ``api/types.go``, and what later ones add.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

from .wire_generation import GenerateReply, Message, decode_generate

ChatMessage = Message

__all__ = [
    "UNREADABLE",
    "ChatMessage",
    "GenerateReply",
    "ModelDetails",
    "PsReply",
    "PullLine",
    "RunningEntry",
    "ShowReply",
    "TagEntry",
    "TagsReply",
    "Tensor",
    "VersionReply",
    "decode_error",
    "decode_generate",
    "decode_ps",
    "decode_pull_line",
    "decode_show",
    "decode_tags",
    "decode_version",
    "parse_timestamp",
]


class ModelDetails(Struct, frozen=True, kw_only=True):
    """Format, family, size and quantisation of a model."""

    parent_model: str = ""
    format: str = ""
    family: str = ""
    parameter_size: str = ""
    quantization_level: str = ""
    context_length: int = 0  # since 0.30
    embedding_length: int = 0  # since 0.30
    _families: list[str] | None = field(default=None, name="families")

    @property
    def families(self) -> tuple[str, ...]:
        """The families, empty where the server says ``null``."""
        return tuple(self._families or ())


class TagEntry(Struct, frozen=True, kw_only=True):
    """A model on the disk of the server (``GET /api/tags``); ``digest`` is bare hexadecimal."""

    name: str = ""
    model: str = ""
    modified_at: str = ""
    size: int = 0
    digest: str = ""
    details: ModelDetails = ModelDetails()
    remote_model: str = ""  # since 0.12: a stub of a cloud model, its size is a few hundred bytes
    remote_host: str = ""
    _capabilities: list[str] | None = field(default=None, name="capabilities")

    @property
    def capabilities(self) -> tuple[str, ...]:
        """What the model can do; empty before Ollama 0.30 (``show`` tells there)."""
        return tuple(self._capabilities or ())

    @property
    def is_remote(self) -> bool:
        """Whether this is only a stub: the model runs elsewhere and its weights aren't here."""
        return bool(self.remote_model or self.remote_host)


class RunningEntry(Struct, frozen=True, kw_only=True):
    """A model in memory (``GET /api/ps``); ``size_vram`` of ``size`` bytes are on a GPU."""

    name: str = ""
    model: str = ""
    size: int = 0
    digest: str = ""
    details: ModelDetails = ModelDetails()
    expires_at: str = ""
    size_vram: int = 0
    context_length: int = 0  # since 0.10


class VersionReply(Struct, frozen=True):
    """``GET /api/version``."""

    version: str | UnsetType = UNSET


class TagsReply(Struct, frozen=True):
    """``GET /api/tags``; a reply without ``models`` isn't Ollama's."""

    models: list[TagEntry] | UnsetType | None = UNSET


class PsReply(Struct, frozen=True):
    """``GET /api/ps``; a reply without ``models`` isn't Ollama's."""

    models: list[RunningEntry] | UnsetType | None = UNSET


class Tensor(Struct, frozen=True):
    """A tensor of a model: its name, the type of its numbers, and how many there are in each dimension."""

    name: str = ""
    type: str = ""
    shape: list[int] | None = None


class ShowReply(Struct, frozen=True, kw_only=True):
    """What a model is (``POST /api/show``).

    Unless it was asked for verbosely, big arrays in ``model_info``, such as the vocabulary, are ``None``.
    """

    license: str = ""
    modelfile: str = ""
    parameters: str = ""
    template: str = ""
    system: str = ""
    details: ModelDetails | UnsetType = UNSET
    modified_at: str = ""
    renderer: str = ""
    parser: str = ""
    requires: str = ""  # since 0.14: the lowest Ollama version that can run it
    remote_model: str = ""
    remote_host: str = ""
    _messages: list[Message] | None = field(default=None, name="messages")
    _model_info: dict[str, object] | None = field(default=None, name="model_info")
    _projector_info: dict[str, object] | None = field(default=None, name="projector_info")
    _tensors: list[Tensor] | None = field(default=None, name="tensors")
    _capabilities: list[str] | None = field(default=None, name="capabilities")

    @property
    def messages(self) -> tuple[Message, ...]:
        """Messages baked into the model."""
        return tuple(self._messages or ())

    @property
    def model_info(self) -> dict[str, object]:
        """The GGUF's metadata, keyed as in the file (``general.architecture``, …)."""
        return self._model_info or {}

    @property
    def projector_info(self) -> dict[str, object]:
        """The same of the file that lets the model see; empty for a model without one."""
        return self._projector_info or {}

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The model's tensors, where the server names them; empty before Ollama 0.6.1."""
        return tuple(self._tensors or ())

    @property
    def capabilities(self) -> tuple[str, ...]:
        """``completion``, ``tools``, ``vision``, ``embedding``, …; empty before Ollama 0.6.4."""
        return tuple(self._capabilities or ())

    @property
    def architecture(self) -> str:
        """The GGUF's architecture, such as ``llama``; empty if unknown."""
        value = self.model_info.get("general.architecture")
        return value if isinstance(value, str) else ""

    @property
    def parameter_count(self) -> int | None:
        """How many weights the model has; None if the server doesn't say."""
        return self._whole_number("general.parameter_count")

    @property
    def context_length(self) -> int | None:
        """How many tokens the model was made for; None if the server doesn't say."""
        return self._whole_number(f"{self.architecture}.context_length")

    @property
    def embedding_length(self) -> int | None:
        """The width of its embeddings; None if the server doesn't say."""
        return self._whole_number(f"{self.architecture}.embedding_length")

    def _whole_number(self, key: str) -> int | None:
        value = self.model_info.get(key)
        return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


class PullLine(Struct, frozen=True):
    """A line of ``POST /api/pull``. Lines of the client2 experiment (0.9.3) have no status."""

    status: str | int = ""
    digest: str = ""
    total: int = 0
    completed: int = 0
    error: str | UnsetType = UNSET


class ErrorReply(Struct, frozen=True):
    """The body of a refusal; ``signin_url`` where Ollama wants to be signed in (since 0.12)."""

    error: str | UnsetType = UNSET
    signin_url: str | None = None


_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?\s*(?:([Zz])|([+-])(\d\d):?(\d\d)(?::?\d\d)?)?",
    re.ASCII,
)


def parse_timestamp(text: str) -> datetime | None:
    """Read a time as Go writes it: up to nanoseconds (cut to microseconds), any offset; result in UTC.

    A model that never expires has a time in the year 2319 or so, which is fine. Go's zero time (the
    year 1: "not set") and anything unreadable give None. Without an offset UTC is assumed.
    """
    match = _TIMESTAMP.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(match[group]) for group in range(1, 7))
    if year <= 1:
        return None
    microsecond = int((match[7] or "")[:6].ljust(6, "0"))
    offset = timedelta(hours=int(match[10] or 0), minutes=int(match[11] or 0))
    try:
        zone = timezone(-offset if match[9] == "-" else offset)
        return datetime(year, month, day, hour, minute, second, microsecond, zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises for what is no JSON: text that is not UTF-8 and too many levels are errors of Python's own."""

decode_version = msgspec.json.Decoder(VersionReply, strict=False).decode
decode_tags = msgspec.json.Decoder(TagsReply, strict=False).decode
decode_ps = msgspec.json.Decoder(PsReply, strict=False).decode
decode_show = msgspec.json.Decoder(ShowReply, strict=False).decode
decode_pull_line = msgspec.json.Decoder(PullLine, strict=False).decode
decode_error = msgspec.json.Decoder(ErrorReply).decode
