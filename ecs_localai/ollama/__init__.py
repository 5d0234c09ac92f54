"""A client for Ollama servers and model registries (aiohttp, msgspec). No ECS: usable alone.

``from ecs_localai.ollama import OllamaClient`` and the like load only what is asked for; aiohttp is
imported with the first request.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .address import HostAddress, parse_host
    from .client import OllamaClient
    from .errors import ErrorKind, NotSupported, OllamaError, PullFailed, PullFailure
    from .features import Feature, ServerFeatures
    from .managing import WorkProgress
    from .names import ModelName, parse_model_name
    from .pull import PullPhase, PullProgress, PullSummary
    from .registry import Manifest, fetch_manifest
    from .upload import UploadProgress
    from .wire_generation import ChatReply, EmbedReply, GenerateReply, Message, Tool, ToolCall, ToolFunction

__all__ = [
    "ChatReply",
    "EmbedReply",
    "ErrorKind",
    "Feature",
    "GenerateReply",
    "HostAddress",
    "Manifest",
    "Message",
    "ModelName",
    "NotSupported",
    "OllamaClient",
    "OllamaError",
    "PullFailed",
    "PullFailure",
    "PullPhase",
    "PullProgress",
    "PullSummary",
    "ServerFeatures",
    "Tool",
    "ToolCall",
    "ToolFunction",
    "UploadProgress",
    "WorkProgress",
    "fetch_manifest",
    "parse_host",
    "parse_model_name",
]

_HOMES = {
    "ChatReply": "wire_generation",
    "EmbedReply": "wire_generation",
    "ErrorKind": "errors",
    "Feature": "features",
    "GenerateReply": "wire_generation",
    "HostAddress": "address",
    "Manifest": "registry",
    "Message": "wire_generation",
    "ModelName": "names",
    "NotSupported": "errors",
    "OllamaClient": "client",
    "OllamaError": "errors",
    "PullFailed": "errors",
    "PullFailure": "errors",
    "PullPhase": "pull",
    "PullProgress": "pull",
    "PullSummary": "pull",
    "ServerFeatures": "features",
    "Tool": "wire_generation",
    "ToolCall": "wire_generation",
    "ToolFunction": "wire_generation",
    "UploadProgress": "upload",
    "WorkProgress": "managing",
    "fetch_manifest": "registry",
    "parse_host": "address",
    "parse_model_name": "names",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{home}", __name__), name)
