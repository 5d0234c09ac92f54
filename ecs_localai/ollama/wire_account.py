"""What Ollama answers about its user, ollama.com and the web: since 0.12 and later (``api/types.go``)."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

__all__ = [
    "CloudStatus",
    "ModelRecommendation",
    "RecommendationsReply",
    "StatusReply",
    "User",
    "WebPage",
    "WebSearchReply",
    "WebSearchResult",
    "decode_recommendations",
    "decode_status",
    "decode_user",
    "decode_web_page",
    "decode_web_search",
]


class CloudStatus(Struct, frozen=True, kw_only=True):
    """Whether models of ollama.com may be used, and who has decided: ``none``, ``env``, ``config`` or ``both``."""

    disabled: bool = False
    source: str = ""


class StatusReply(Struct, frozen=True, kw_only=True):
    """``GET /api/status`` (since 0.16.2); a reply without ``cloud`` isn't Ollama's."""

    cloud: CloudStatus | UnsetType = UNSET


class User(Struct, frozen=True, kw_only=True):
    """The user of ollama.com as whom the server is signed in (``POST /api/me``, since 0.12)."""

    id: str = ""
    email: str = ""
    name: str = ""
    bio: str = ""
    avatar_url: str = field(default="", name="avatarurl")
    first_name: str = field(default="", name="firstname")
    last_name: str = field(default="", name="lastname")
    plan: str = ""


class WebSearchResult(Struct, frozen=True, kw_only=True):
    """A page that a search has found, with what it says."""

    title: str = ""
    url: str = ""
    content: str = ""


class WebSearchReply(Struct, frozen=True):
    """``POST /api/experimental/web_search`` (since 0.18)."""

    results: list[WebSearchResult] | UnsetType | None = UNSET


class WebPage(Struct, frozen=True, kw_only=True):
    """``POST /api/experimental/web_fetch`` (since 0.18): a page as text."""

    title: str = ""
    content: str | UnsetType = UNSET
    _links: list[str] | None = field(default=None, name="links")

    @property
    def links(self) -> tuple[str, ...]:
        """The addresses that the page links to."""
        return tuple(self._links or ())

    @property
    def text(self) -> str:
        """What the page says."""
        return self.content if isinstance(self.content, str) else ""


class ModelRecommendation(Struct, frozen=True, kw_only=True):
    """A model that Ollama recommends. Zero where it does not say; ``vram_bytes`` is what the model needs."""

    model: str = ""
    description: str = ""
    context_length: int = 0
    max_output_tokens: int = 0
    vram_bytes: int = 0
    required_plan: str = ""


class RecommendationsReply(Struct, frozen=True):
    """``GET /api/experimental/model-recommendations`` (since 0.22.1)."""

    recommendations: list[ModelRecommendation] | UnsetType | None = UNSET


decode_status = msgspec.json.Decoder(StatusReply, strict=False).decode
decode_user = msgspec.json.Decoder(User, strict=False).decode
decode_web_search = msgspec.json.Decoder(WebSearchReply, strict=False).decode
decode_web_page = msgspec.json.Decoder(WebPage, strict=False).decode
decode_recommendations = msgspec.json.Decoder(RecommendationsReply, strict=False).decode
