"""What which version of Ollama can do, and what is missing, in words.

The versions are those of the first stable release whose ``server/routes.go`` or ``api/types.go`` holds the call or the
field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct

from .address import HostAddress
from .errors import NotSupported

__all__ = ["ENDPOINTS", "Endpoint", "Feature", "ServerFeatures", "missing_call", "parse_version"]


class Endpoint(Struct, frozen=True):
    """A call of Ollama: what it does, in words, and the first version that has it."""

    does: str
    since: str


ENDPOINTS: Mapping[str, Endpoint] = MappingProxyType(
    {
        "/api/version": Endpoint("tell its version", "0.1.14"),
        "/api/tags": Endpoint("list its models", "0.0.6"),
        "/api/ps": Endpoint("list the models in memory", "0.1.38"),
        "/api/show": Endpoint("describe a model", "0.0.18"),
        "/api/generate": Endpoint("generate text", "0.0.1"),
        "/api/chat": Endpoint("chat", "0.1.14"),
        "/api/embed": Endpoint("embed several texts", "0.2.6"),
        "/api/embeddings": Endpoint("embed a text", "0.0.14"),
        "/api/create": Endpoint("create a model", "0.0.6"),
        "/api/blobs": Endpoint("take files", "0.1.10"),
        "/api/push": Endpoint("push a model", "0.0.6"),
        "/api/copy": Endpoint("copy a model", "0.0.12"),
        "/api/delete": Endpoint("delete a model", "0.0.11"),
        "/api/status": Endpoint("tell whether cloud models are allowed", "0.16.2"),
        "/api/me": Endpoint("tell who is signed in", "0.12.0"),
        "/api/signout": Endpoint("sign out", "0.12.1"),
        "/api/experimental/web_search": Endpoint("search the web", "0.18.0"),
        "/api/experimental/web_fetch": Endpoint("fetch pages of the web", "0.18.0"),
        "/api/experimental/model-recommendations": Endpoint("recommend models", "0.22.1"),
    }
)


class Feature(StrEnum):
    """What not every Ollama that is in use can do."""

    STATUS = "status"
    ME = "me"
    SIGN_OUT = "sign_out"
    WEB_SEARCH = "web_search"
    WEB_FETCH = "web_fetch"
    RECOMMENDATIONS = "recommendations"
    STRUCTURED_ANSWERS = "structured_answers"
    CREATE_FROM_FILES = "create_from_files"
    CAPABILITIES = "capabilities"
    THINKING = "thinking"
    TOOL_NAMES = "tool_names"
    DIMENSIONS = "dimensions"
    TRUNCATE_AND_SHIFT = "truncate_and_shift"
    LOGPROBS = "logprobs"
    CLOUD_MODELS = "cloud_models"


PROBED: Mapping[Feature, str] = MappingProxyType(
    {
        Feature.STATUS: "/api/status",
        Feature.ME: "/api/me",
        Feature.SIGN_OUT: "/api/signout",
        Feature.WEB_SEARCH: "/api/experimental/web_search",
        Feature.WEB_FETCH: "/api/experimental/web_fetch",
        Feature.RECOMMENDATIONS: "/api/experimental/model-recommendations",
    }
)
"""Features that are a call of their own: asked for by HEAD, which does nothing (405 where the call takes a POST)."""

_BY_VERSION: Mapping[Feature, Endpoint] = MappingProxyType(
    {
        Feature.STRUCTURED_ANSWERS: Endpoint("keep an answer to a JSON schema", "0.5.0"),
        Feature.CREATE_FROM_FILES: Endpoint("create a model from uploaded files", "0.5.5"),
        Feature.CAPABILITIES: Endpoint("tell a model's capabilities", "0.6.4"),
        Feature.THINKING: Endpoint("let a model think, or keep it from that", "0.9.0"),
        Feature.TOOL_NAMES: Endpoint("tell answers of tools apart by name", "0.9.6"),
        Feature.DIMENSIONS: Endpoint("shorten vectors", "0.11.11"),
        Feature.CLOUD_MODELS: Endpoint("use models of ollama.com", "0.12.0"),
        Feature.TRUNCATE_AND_SHIFT: Endpoint("be told what to do with texts that are too long", "0.12.6"),
        Feature.LOGPROBS: Endpoint("tell how likely its tokens were", "0.12.11"),
    }
)


class ServerFeatures(Struct, frozen=True):
    """What a server can do. ``offered`` holds True or False, or None where neither it nor its version tells."""

    version: str
    offered: Mapping[Feature, bool | None]

    def offers(self, feature: Feature) -> bool | None:
        """Whether it can; None: unknown, because its version says nothing (``0.0.0`` in builds of one's own)."""
        return self.offered.get(feature)

    @property
    def missing(self) -> dict[Feature, str]:
        """A sentence for each thing that it cannot do."""
        return {
            feature: f"Ollama {self.version} can't {about.does}, which it can since {about.since}."
            for feature, offered in self.offered.items()
            if offered is False
            for about in [described(feature)]
        }


def described(feature: Feature) -> Endpoint:
    """What a feature is, and since when it exists."""
    path = PROBED.get(feature)
    return _BY_VERSION[feature] if path is None else ENDPOINTS[path]


def features_of(version: str, answered: Mapping[Feature, bool]) -> ServerFeatures:
    """What a server of this version can do, given which calls have `answered`."""
    number = parse_version(version)
    offered: dict[Feature, bool | None] = dict(answered)
    for feature, about in _BY_VERSION.items():
        since = parse_version(about.since)
        offered[feature] = None if number is None or since is None else number >= since
    return ServerFeatures(version, MappingProxyType(offered))


_VERSION = re.compile(r"v?(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(?:$|[-+.])", re.ASCII)


def parse_version(text: str) -> tuple[int, int, int] | None:
    """The numbers of a version such as ``0.12.0-rc1``; None if it is none, or the ``0.0.0`` of an unmarked build."""
    match = _VERSION.match(text)
    if match is None:
        return None
    number = int(match[1]), int(match[2]), int(match[3] or 0)
    return number if any(number) else None


def missing_call(address: HostAddress, path: str, version: str) -> NotSupported:
    """The error for a path that an Ollama does not know."""
    about = ENDPOINTS["/api/blobs" if path.startswith("/api/blobs/") else path]
    has, since = parse_version(version), parse_version(about.since)
    if has is not None and since is not None and has >= since:
        message = (
            f"{address.display} hides {path}, which its Ollama {version} must have; "
            "let the proxy before it pass that path on."
        )
    else:
        message = (
            f"The Ollama at {address.display} is {version} and can't {about.does}; update it to {about.since} or newer."
        )
    return NotSupported(message, since=about.since, version=version)
