"""Finds out which program speaks OpenAI's API at an address: the API itself does not tell.

What is asked beside the API: llama.cpp's server names itself in the header ``Server`` and its build in ``GET /props``
(b10434); vLLM owns its models and has ``GET /version`` (``vllm/entrypoints/openai/api_server.py``); Ollama answers
``Ollama is running`` at ``/`` and has ``/api/version``. LM Studio answers paths that it does not know with a 200 and an
error in it, so nothing is believed but the right field. Others stay unknown.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from .openai_wire import ModelEntry, decode_properties, decode_version
from .provider import ServerIdentity

__all__ = ["Ask", "identity"]

Ask = Callable[[str], Awaitable[bytes]]
"""Gives the body at a path of the server's root; empty if it refuses."""


async def identity(server_header: str, models: list[ModelEntry], ask: Ask) -> ServerIdentity:
    """What answers, as far as it tells; asks two questions at most."""
    owners = {entry.owned_by for entry in models}
    if server_header.lower().startswith("llama.cpp") or "llamacpp" in owners:
        return ServerIdentity("llama.cpp", _build(await ask("/props")))
    if "vllm" in owners:
        return ServerIdentity("vLLM", _version(await ask("/version")))
    if (await ask("/")).strip() == b"Ollama is running":
        return ServerIdentity("Ollama", _version(await ask("/api/version")))
    return ServerIdentity()


def _version(body: bytes) -> str | None:
    try:
        return decode_version(body).version or None
    except msgspec.MsgspecError:
        return None


def _build(body: bytes) -> str | None:
    try:
        return decode_properties(body).build_info or None
    except msgspec.MsgspecError:
        return None
