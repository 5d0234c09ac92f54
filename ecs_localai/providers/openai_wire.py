"""What servers of OpenAI's API answer, as msgspec structs.

Servers leave out or set to ``null`` what they do not know and add fields of their own, so every field has a default,
every one may be ``null``, and unknown ones are ignored. Seen in: Ollama 0.9.3 (``openai/openai.go``), llama.cpp's
server b10434; fields of vLLM's and others' documentation are marked.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from msgspec import UNSET, Struct, UnsetType

from .provider import ProvidedModel

__all__ = ["AnswerPart", "EmbeddingsReply", "ModelEntry", "ModelMeta", "ModelsReply", "Usage", "shown_model"]


class Usage(Struct, frozen=True):
    """How many tokens were read and written."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None

    @property
    def tells_something(self) -> bool:
        """Ollama 0.9.3 sends zeros with every piece of a completion before the real counts."""
        return bool(self.prompt_tokens or self.completion_tokens or self.total_tokens)


class ModelMeta(Struct, frozen=True):
    """llama.cpp's server: facts of the file, and ``n_ctx``, the context that it was started with."""

    n_ctx: int | None = None
    n_ctx_train: int | None = None
    n_params: int | None = None
    size: int | None = None


class ModelEntry(Struct, frozen=True):
    """An entry of ``GET /models``; ``created`` is in seconds since 1970."""

    id: str = ""
    created: float | None = None
    owned_by: str | None = None
    meta: ModelMeta | None = None
    max_model_len: int | None = None  # vLLM
    context_length: int | None = None  # gateways


class ModelsReply(Struct, frozen=True):
    """``GET /models``; a reply without ``data`` is of another protocol."""

    data: list[ModelEntry] | UnsetType | None = UNSET
    error: object = None  # LM Studio refuses paths that it does not know with a 200


class ContentPart(Struct, frozen=True):
    """A part of a message that is sent in parts; those of another type than ``text`` have no text."""

    text: str | None = None


class Message(Struct, frozen=True):
    """A message, or what is new in it."""

    content: str | list[ContentPart] | None = None
    reasoning_content: str | None = None  # llama.cpp's server, vLLM, LM Studio
    reasoning: str | None = None  # Ollama since 0.11, gateways

    @property
    def text(self) -> str:
        """The text, empty if there is none."""
        if isinstance(self.content, list):
            return "".join(part.text or "" for part in self.content)
        return self.content or ""


class Choice(Struct, frozen=True):
    """One answer, or what is new in it: of a chat in ``delta`` or ``message``, of a completion in ``text``."""

    index: int | None = None
    delta: Message | None = None
    message: Message | None = None
    text: str | None = None
    finish_reason: str | None = None


class AnswerPart(Struct, frozen=True):
    """A piece of a streamed answer, or a whole one; a reply without ``choices`` is of another protocol."""

    choices: list[Choice] | UnsetType | None = UNSET
    model: str | None = None
    usage: Usage | None = None
    error: object = None


class EmbeddingEntry(Struct, frozen=True):
    """One vector."""

    embedding: list[float]
    index: int | None = None


class EmbeddingsReply(Struct, frozen=True):
    """``POST /embeddings``."""

    data: list[EmbeddingEntry] | UnsetType = UNSET
    model: str | None = None
    usage: Usage | None = None
    error: object = None


class VersionReply(Struct, frozen=True):
    """Ollama's ``GET /api/version``, and vLLM's ``GET /version``."""

    version: str


class PropertiesReply(Struct, frozen=True):
    """llama.cpp's ``GET /props``."""

    build_info: str


def shown_model(entry: ModelEntry) -> ProvidedModel:
    """The entry as the interface has it."""
    meta = entry.meta or ModelMeta()
    return ProvidedModel(
        name=entry.id,
        owner=entry.owned_by or None,
        created=_time(entry.created),
        size_bytes=meta.size or None,
        context_length=entry.max_model_len or entry.context_length or meta.n_ctx or meta.n_ctx_train or None,
        parameter_count=meta.n_params or None,
    )


def _time(seconds: float | None) -> datetime | None:
    if seconds is None or seconds <= 0:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


decode_models = msgspec.json.Decoder(ModelsReply, strict=False).decode
decode_answer = msgspec.json.Decoder(AnswerPart, strict=False).decode
decode_embeddings = msgspec.json.Decoder(EmbeddingsReply, strict=False).decode
decode_version = msgspec.json.Decoder(VersionReply).decode
decode_properties = msgspec.json.Decoder(PropertiesReply).decode
