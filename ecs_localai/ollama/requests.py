"""What Ollama is asked, as msgspec structs: a field that is left as it is, is not sent (``api/types.go``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct, field

from .errors import InvalidRequest
from .wire_generation import Message, Tool

__all__ = [
    "ChatRequest",
    "CopyRequest",
    "CreateRequest",
    "EmbedRequest",
    "EmbeddingRequest",
    "GenerateRequest",
    "KeepAlive",
    "ModelRequest",
    "PushRequest",
    "ShowRequest",
    "Think",
    "WebFetchRequest",
    "WebSearchRequest",
    "encode_request",
    "plain_dict",
]

KeepAlive = float | str
"""How long a model stays loaded: seconds, or text with a unit such as ``10m``; negative is for ever."""
Think = bool | str
"""Whether a model thinks before it answers, or how hard: ``low``, ``medium``, ``high``, ``max``."""


class ModelRequest(Struct, frozen=True):
    """A call about one model and nothing else."""

    model: str


class ShowRequest(Struct, frozen=True, omit_defaults=True):
    """``POST /api/show``."""

    model: str
    verbose: bool = False


class CopyRequest(Struct, frozen=True):
    """``POST /api/copy``."""

    source: str
    destination: str


class PushRequest(Struct, frozen=True, omit_defaults=True):
    """``POST /api/push``."""

    model: str
    insecure: bool = False


class CreateRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``POST /api/create`` as it is since 0.5.5; ``files`` and ``adapters`` are digests by file name."""

    model: str
    source: str = field(default="", name="from")
    files: dict[str, str] | None = None
    adapters: dict[str, str] | None = None
    template: str = ""
    license: list[str] | None = None
    system: str = ""
    parameters: dict[str, object] | None = None
    messages: list[Message] | None = None
    quantize: str = ""
    renderer: str = ""
    parser: str = ""
    requires: str = ""
    info: dict[str, object] | None = None


class _Generating(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What generate and chat have in common."""

    model: str
    stream: bool | None = None
    response_format: str | dict[str, object] | None = field(default=None, name="format")
    think: bool | str | None = None
    options: dict[str, object] | None = None
    keep_alive: float | str | None = None
    truncate: bool | None = None
    shift: bool | None = None
    logprobs: bool = False
    top_logprobs: int = 0


class GenerateRequest(_Generating, frozen=True, kw_only=True, omit_defaults=True):
    """``POST /api/generate``."""

    prompt: str = ""
    suffix: str = ""
    system: str = ""
    template: str = ""
    raw: bool = False
    images: list[bytes] | None = None
    context: list[int] | None = None


class ChatRequest(_Generating, frozen=True, kw_only=True, omit_defaults=True):
    """``POST /api/chat``."""

    messages: list[Message]
    tools: list[Tool | dict[str, object]] | None = None


class EmbedRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``POST /api/embed``."""

    model: str
    input: str | list[str]
    truncate: bool | None = None
    dimensions: int = 0
    options: dict[str, object] | None = None
    keep_alive: float | str | None = None


class EmbeddingRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``POST /api/embeddings``."""

    model: str
    prompt: str
    options: dict[str, object] | None = None
    keep_alive: float | str | None = None


class WebSearchRequest(Struct, frozen=True, omit_defaults=True):
    """``POST /api/experimental/web_search``."""

    query: str
    max_results: int = 0


class WebFetchRequest(Struct, frozen=True):
    """``POST /api/experimental/web_fetch``."""

    url: str


def plain_dict(values: Mapping[str, object] | None) -> dict[str, object] | None:
    """The values as JSON can hold them; None for none."""
    return dict(values) if values else None


def encode_request(request: Struct) -> bytes:
    """The request as JSON. Raises InvalidRequest for values that JSON has no form for."""
    try:
        return msgspec.json.encode(request)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise InvalidRequest(
            f"The request can't be written as JSON ({str(error).rstrip('.')}); use texts, numbers, lists and objects."
        ) from error


def text_list(texts: str | Sequence[str] | None) -> list[str] | None:
    """One text or several as a list; None for none."""
    if not texts:
        return None
    return [texts] if isinstance(texts, str) else list(texts)
