"""Messages, answers and vectors: what Ollama's generating calls take and give, as msgspec structs.

Fields by version: ollama 0.9.3 ``api/types.go``, and what later ones add. As everywhere in Go's JSON a zero is left
out and an empty list may be ``null``. Durations are whole nanoseconds.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

__all__ = [
    "ChatReply",
    "EmbedReply",
    "EmbeddingReply",
    "FunctionCall",
    "GenerateReply",
    "Logprob",
    "Message",
    "Metrics",
    "TokenLogprob",
    "Tool",
    "ToolCall",
    "ToolFunction",
    "decode_chat",
    "decode_embed",
    "decode_embedding",
    "decode_generate",
]


class FunctionCall(Struct, frozen=True, omit_defaults=True):
    """Which function a model wants called, and with what."""

    name: str = ""
    _arguments: dict[str, object] | None = field(default=None, name="arguments")
    index: int = 0

    @property
    def arguments(self) -> dict[str, object]:
        """The arguments by name."""
        return self._arguments or {}


class ToolCall(Struct, frozen=True, omit_defaults=True):
    """A model's wish to have a tool used. Answer it by a `Message` of the role ``tool``."""

    function: FunctionCall = FunctionCall()
    id: str = ""  # since 0.12.10

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.name

    @property
    def arguments(self) -> dict[str, object]:
        """Its arguments by name."""
        return self.function.arguments


class Message(Struct, frozen=True, omit_defaults=True):
    """One message of a conversation.

    ``role`` is ``system``, ``user``, ``assistant`` or ``tool``. ``images`` are the bytes of picture files, for models
    that see. ``tool_calls`` come from the model; the answer to one carries its ``tool_name`` (since 0.9.6) and
    ``tool_call_id`` (since 0.12.10). Lists may be None, as Go sends ``null`` for an empty one.
    """

    role: str = ""
    content: str = ""
    thinking: str = ""
    images: list[bytes] | None = None
    tool_calls: list[ToolCall] | None = None
    tool_name: str = ""
    tool_call_id: str = ""


class ToolFunction(Struct, frozen=True, omit_defaults=True):
    """What a function does. ``parameters`` is a JSON schema of type ``object``."""

    name: str
    description: str = ""
    parameters: dict[str, object] = {}


class Tool(Struct, frozen=True):
    """Something that a model may use."""

    function: ToolFunction
    type: str = "function"


class TokenLogprob(Struct, frozen=True, kw_only=True):
    """How likely a token was: the natural logarithm of its probability."""

    token: str = ""
    logprob: float = 0.0
    bytes: list[int] | None = None


class Logprob(TokenLogprob, frozen=True, kw_only=True):
    """The same of a token that was chosen, with the likeliest others of its place where they were asked for."""

    top_logprobs: list[TokenLogprob] | None = None


class Metrics(Struct, frozen=True, kw_only=True):
    """What an answer took; durations in nanoseconds, 0 if not told (a load gives none)."""

    total_duration: int = 0
    load_duration: int = 0
    prompt_eval_count: int = 0
    prompt_eval_duration: int = 0
    eval_count: int = 0
    eval_duration: int = 0

    @property
    def tokens_per_second(self) -> float | None:
        """The rate of generation; None where the server gave no durations (a load gives none)."""
        return _rate(self.eval_count, self.eval_duration)

    @property
    def prompt_tokens_per_second(self) -> float | None:
        """The rate at which the prompt was read; None where the server gave no durations."""
        return _rate(self.prompt_eval_count, self.prompt_eval_duration)


def _rate(count: int, duration: int) -> float | None:
    return count / duration * 1e9 if count and duration else None


class GenerateReply(Metrics, frozen=True, kw_only=True):
    """A line of ``POST /api/generate``, or the sum of all; durations in nanoseconds, 0 if not told."""

    model: str = ""
    created_at: str = ""
    response: str = ""
    thinking: str = ""
    done: bool = False
    done_reason: str = ""
    remote_model: str = ""  # since 0.12: where a cloud model has answered
    remote_host: str = ""
    context: list[int] | None = None
    """The conversation in numbers: given to the next call, it goes on from there."""
    logprobs: list[Logprob] | None = None  # since 0.12.11
    error: str | UnsetType = UNSET


class ChatReply(Metrics, frozen=True, kw_only=True):
    """A line of ``POST /api/chat``, or the sum of all; durations in nanoseconds, 0 if not told."""

    model: str = ""
    created_at: str = ""
    message: Message = Message()
    done: bool = False
    done_reason: str = ""
    remote_model: str = ""
    remote_host: str = ""
    logprobs: list[Logprob] | None = None
    error: str | UnsetType = UNSET

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tools that the model wants used."""
        return tuple(self.message.tool_calls or ())


class EmbedReply(Struct, frozen=True, kw_only=True):
    """``POST /api/embed``: one vector of length 1 for each input; a reply without them isn't Ollama's."""

    model: str = ""
    total_duration: int = 0
    load_duration: int = 0
    prompt_eval_count: int = 0
    _embeddings: list[list[float]] | UnsetType | None = field(default=UNSET, name="embeddings")

    @property
    def embeddings(self) -> list[list[float]]:
        """The vectors, in the order of the inputs."""
        return self._embeddings or []

    @property
    def is_complete(self) -> bool:
        """Whether the server has said anything about vectors."""
        return self._embeddings is not UNSET


class EmbeddingReply(Struct, frozen=True):
    """``POST /api/embeddings``, the older call: one vector, not normalised."""

    embedding: list[float] | UnsetType | None = UNSET


decode_generate = msgspec.json.Decoder(GenerateReply, strict=False).decode
decode_chat = msgspec.json.Decoder(ChatReply, strict=False).decode
decode_embed = msgspec.json.Decoder(EmbedReply, strict=False).decode
decode_embedding = msgspec.json.Decoder(EmbeddingReply, strict=False).decode
