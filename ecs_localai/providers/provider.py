"""What every server of models can be asked for, whatever protocol it speaks.

As small as a health probe, a list of models and a generation need it. What a server does not tell is None, never a
guess. All failures are `ecs_localai.ollama.errors`: their `kind` and `retryable` mean the same for every protocol
(``NotAnOllama`` stands for "something answers, but in another protocol").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec

__all__ = [
    "ChatMessage",
    "ChatOptions",
    "ChatReply",
    "ChatRole",
    "Embeddings",
    "ModelProvider",
    "ProvidedModel",
    "ServerIdentity",
]


class ServerIdentity(msgspec.Struct, frozen=True):
    """What answers at an address, as far as it tells."""

    program: str | None = None
    """For example ``Ollama``, ``llama.cpp``, ``vLLM``; None where the server does not say."""
    version: str | None = None
    """In the program's own notation; None where the server does not say."""


class ProvidedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model that a server offers."""

    name: str
    """What requests call it."""
    owner: str | None = None
    """Who the server says it belongs to: often the program itself (``llamacpp``, ``vllm``)."""
    created: datetime | None = None
    """In UTC. Many servers give the time when they started."""
    size_bytes: int | None = None
    context_length: int | None = None
    """How many tokens of context the server gives it."""
    parameter_count: int | None = None


class ChatRole(StrEnum):
    """Who says a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


class ChatMessage(msgspec.Struct, frozen=True):
    """One message of a conversation."""

    role: ChatRole
    content: str


class ChatOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to generate. None leaves a choice to the server.

    There is no limit on the whole of a generation; what is limited is how long nothing comes. Raises `ValueError` for
    a limit that is not above zero.
    """

    max_tokens: int | None = None
    """Give one: most servers go on until the model stops by itself or the context is full."""
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    """Texts that end the answer."""
    start_timeout: float = 600.0
    """How long the first piece may take, in seconds: the server may have to load the model and read a long prompt."""
    stall_timeout: float = 60.0
    """How long every further piece may take, in seconds. Signs of life without text do not count."""

    def __post_init__(self) -> None:
        for name, value in (("max_tokens", self.max_tokens), ("start_timeout", self.start_timeout)):
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be above zero, not {value}.")
        if not self.stall_timeout > 0:
            raise ValueError(f"stall_timeout must be above zero, not {self.stall_timeout}.")


class ChatReply(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer."""

    text: str
    reasoning: str = ""
    """What the model thought aloud before it answered; empty where the server sends none, or sends it as text."""
    finish_reason: str | None = None
    """``stop``, ``length`` and the like, as the server says it; None if it does not."""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    model: str | None = None
    """The name of the model that answered; servers of a single model take any name and tell theirs."""


class Embeddings(msgspec.Struct, frozen=True):
    """Texts as vectors."""

    vectors: tuple[tuple[float, ...], ...]
    """One for each text, in their order."""
    prompt_tokens: int | None = None
    model: str | None = None


class ModelProvider(Protocol):
    """A server of models, to be used from one event loop.

    Every method raises an `OllamaError`; cancelling one closes its connection, which makes the server stop.
    """

    @property
    def base_url(self) -> str:
        """The address that requests go to, as a URL."""

    @property
    def answered_address(self) -> str | None:
        """The IP address that answered; None while not connected."""

    async def probe(self) -> ServerIdentity:
        """Ask whether the server is there and ready, at little cost, and what it is."""

    async def models(self) -> list[ProvidedModel]:
        """The models that it offers, in its own order."""

    async def chat(
        self,
        model: str,
        messages: Sequence[ChatMessage],
        options: ChatOptions | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> ChatReply:
        """Answer a conversation, telling each piece of the text to ``on_text`` on the loop as it comes."""

    async def embed(self, model: str, texts: Sequence[str]) -> Embeddings:
        """Make vectors of texts."""

    async def aclose(self) -> None:
        """End what runs by ClientClosed and close the connections; a second call does nothing."""
