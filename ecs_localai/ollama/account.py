"""Calls about the server's user at ollama.com and about the web: since Ollama 0.12 and later.

An Ollama without one of them raises NotSupported, which says what is needed.
"""

from __future__ import annotations

from msgspec import UNSET

from .calls import Calls, nothing
from .requests import WebFetchRequest, WebSearchRequest
from .retrying import Repeat
from .wire_account import (
    CloudStatus,
    ModelRecommendation,
    User,
    WebPage,
    WebSearchResult,
    decode_recommendations,
    decode_status,
    decode_user,
    decode_web_page,
    decode_web_search,
)

__all__ = ["AccountCalls"]


class AccountCalls(Calls):
    """The account and the web."""

    async def status(self, *, retry: bool = True) -> CloudStatus:
        """Whether models of ollama.com may be used (since 0.16.2)."""
        reply = await self._read("/api/status", decode_status, retry=retry)
        if reply.cloud is UNSET:
            raise self._not_ollama()
        return reply.cloud

    async def me(self, *, retry: bool = True) -> User:
        """As whom the server is signed in at ollama.com (since 0.12).

        Raises Unauthorized, with the page to sign in at, where it is not; ServerFailure where ollama.com is away.
        """
        user = await self._read("/api/me", decode_user, method="POST", retry=retry)
        if not user.name and not user.id:
            raise self._not_ollama()
        return user

    async def signout(self) -> None:
        """Sign the server out at ollama.com (since 0.12.1). Raises Unauthorized where it is not signed in."""
        await self._ask("/api/signout", nothing)

    async def web_search(
        self, query: str, *, max_results: int = 0, stall_timeout: float | None = 60.0
    ) -> list[WebSearchResult]:
        """Search the web through ollama.com (since 0.18); ``max_results`` of 0 leaves the number to it."""
        request = WebSearchRequest(query, max_results)
        path = "/api/experimental/web_search"
        reply = await self._ask(
            path, decode_web_search, request, repeat=Repeat.ALWAYS, bounded=False, stall_timeout=stall_timeout
        )
        if reply.results is UNSET:
            raise self._not_ollama()
        return list(reply.results or [])

    async def web_fetch(self, url: str, *, stall_timeout: float | None = 60.0) -> WebPage:
        """A page of the web as text, through ollama.com (since 0.18)."""
        path = "/api/experimental/web_fetch"
        request = WebFetchRequest(url)
        page = await self._ask(
            path, decode_web_page, request, repeat=Repeat.ALWAYS, bounded=False, stall_timeout=stall_timeout
        )
        if page.content is UNSET:
            raise self._not_ollama()
        return page

    async def model_recommendations(self, *, retry: bool = True) -> list[ModelRecommendation]:
        """The models that Ollama recommends (since 0.22.1)."""
        reply = await self._read("/api/experimental/model-recommendations", decode_recommendations, retry=retry)
        if reply.recommendations is UNSET:
            raise self._not_ollama()
        return list(reply.recommendations or [])
