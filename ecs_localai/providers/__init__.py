"""Servers of models behind one interface (`ModelProvider`), whatever protocol they speak. No ECS: usable alone.

``from ecs_localai.providers import OpenAIProvider`` and the like load only what is asked for; aiohttp is imported with
the first request.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .openai_address import OpenAIAddress, parse_openai_address
    from .openai_protocol import OpenAIProvider
    from .provider import (
        ChatMessage,
        ChatOptions,
        ChatReply,
        ChatRole,
        Embeddings,
        ModelProvider,
        ProvidedModel,
        ServerIdentity,
    )

__all__ = [
    "ChatMessage",
    "ChatOptions",
    "ChatReply",
    "ChatRole",
    "Embeddings",
    "ModelProvider",
    "OpenAIAddress",
    "OpenAIProvider",
    "ProvidedModel",
    "ServerIdentity",
    "parse_openai_address",
]

_HOMES = {
    "ChatMessage": "provider",
    "ChatOptions": "provider",
    "ChatReply": "provider",
    "ChatRole": "provider",
    "Embeddings": "provider",
    "ModelProvider": "provider",
    "OpenAIAddress": "openai_address",
    "OpenAIProvider": "openai_protocol",
    "ProvidedModel": "provider",
    "ServerIdentity": "provider",
    "parse_openai_address": "openai_address",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{home}", __name__), name)
