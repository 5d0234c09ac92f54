"""Looking at many models in their registries, gently: few requests at a time, and none after "too many requests".

Nothing is downloaded but manifests, which are some hundred bytes. What is asked for twice is asked for once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self, TypeVar, cast

import msgspec
from msgspec import Struct

from .errors import PullFailed
from .names import DEFAULT_REGISTRY, ModelName
from .pull_failures import registry_status
from .registry import Manifest, parse_manifest
from .registry_http import not_a_registry, proxy_for, unreachable
from .retrying import parse_retry_after
from .wire import UNREADABLE

if TYPE_CHECKING:
    import aiohttp

__all__ = ["RegistryLook", "ToldDigest"]

AT_ONCE = 4
"""Requests to one registry at a time."""
LONGEST_WAIT = 10.0
"""Seconds that a registry may ask us to wait (``Retry-After``) and we do; a longer wait is left to the person."""
_OFFICIAL_SITE = "ollama.com"
_MEDIA_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
_LIMIT = 4 * 1024 * 1024
_TOO_MANY = 429
_T = TypeVar("_T")


class ToldDigest(Struct, frozen=True):
    """What ollama.com says of a model without its manifest; the names of the headers are Ollama's own app's."""

    digest: str
    """sha256 of the manifest, bare hexadecimal (``ollama-content-digest``)."""
    pushed_at: datetime | None = None
    """``ollama-push-time``."""


class _TagList(Struct):
    tags: list[str] | None = None


class _Answer(Struct, frozen=True):
    status: int
    headers: dict[str, str]
    """With lower-cased names."""
    body: bytes


class _Gate:
    """How a registry is asked."""

    def __init__(self) -> None:
        self.slots = asyncio.Semaphore(AT_ONCE)
        self.refusal: PullFailed | None = None
        """What it said when it had had too many requests: it is not asked again."""


class RegistryLook:
    """One look at registries. Use it in an ``async with`` statement, of one loop; several users may share one.

    Args:
        insecure: tells which names are asked for by plain http.
    """

    def __init__(
        self, insecure: Callable[[ModelName], bool], *, connect_timeout: float = 5.0, timeout_s: float = 15.0
    ) -> None:
        self._insecure = insecure
        self._connect_timeout = connect_timeout
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None
        self._users = 0
        self._gates: dict[str, _Gate] = {}
        self._asked: dict[tuple[str, str], asyncio.Task[object]] = {}

    async def __aenter__(self) -> Self:
        if self._session is None:
            import aiohttp  # here, because it takes 0.15 s

            limits = aiohttp.ClientTimeout(
                total=self._timeout_s, connect=self._connect_timeout, sock_connect=self._connect_timeout
            )
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), timeout=limits, trust_env=False)
        self._users += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        self._users -= 1
        if self._users or self._session is None:
            return
        session, self._session = self._session, None
        asked, self._asked = list(self._asked.values()), {}
        try:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        finally:  # also where this is cancelled while it waits for them
            await session.close()

    async def manifest(self, name: ModelName) -> Manifest:
        """A model's manifest. Raises PullFailed as `fetch_manifest` does."""
        return await self._once("manifest", name, lambda: self._manifest(name))

    async def told(self, name: ModelName) -> ToldDigest | None:
        """What ollama.com says of a model of the official registry; None where it does not, and of other registries.

        Raises PullFailed where nobody answers.
        """
        if name.host.lower() != DEFAULT_REGISTRY:
            return None
        return await self._once("told", name, lambda: self._told(name))

    async def has(self, name: ModelName) -> bool:
        """Whether the registry has a model, asked by HEAD. Raises PullFailed where it does not say."""
        return await self._once("has", name, lambda: self._has(name))

    async def tags(self, name: ModelName) -> list[str] | None:
        """The tags that the registry lists for a model; None where it lists none (Ollama's has no such call).

        Raises PullFailed where nobody answers.
        """
        return await self._once("tags", name, lambda: self._tags(name))

    async def _manifest(self, name: ModelName) -> Manifest:
        answer = await self._ask("GET", name, name.host, f"manifests/{name.tag}")
        if answer.status != 200:
            raise registry_status(answer.status, name.short, answer.body[:500].decode(errors="replace"))
        return parse_manifest(answer.body, name)

    async def _told(self, name: ModelName) -> ToldDigest | None:
        answer = await self._ask("HEAD", name, _OFFICIAL_SITE, f"manifests/{name.tag}")
        digest = answer.headers.get("ollama-content-digest", "").removeprefix("sha256:")
        if answer.status != 200 or not digest:
            return None
        return ToldDigest(digest, _moment(answer.headers.get("ollama-push-time", "")))

    async def _has(self, name: ModelName) -> bool:
        answer = await self._ask("HEAD", name, name.host, f"manifests/{name.tag}")
        if answer.status == 404:
            return False
        if answer.status != 200:
            raise registry_status(answer.status, name.short, "")
        return True

    async def _tags(self, name: ModelName) -> list[str] | None:
        answer = await self._ask("GET", name, name.host, "tags/list")
        if answer.status != 200:
            return None
        try:
            return msgspec.json.decode(answer.body, type=_TagList).tags
        except UNREADABLE:
            return None

    async def _once(self, what: str, name: ModelName, ask: Callable[[], Awaitable[_T]]) -> _T:
        key = what, name.key

        async def asking() -> object:
            return await ask()

        task = self._asked.get(key)
        if task is None:
            task = self._asked[key] = asyncio.ensure_future(asking())
        return cast("_T", await asyncio.shield(task))

    async def _ask(self, method: str, name: ModelName, host: str, path: str) -> _Answer:
        gate = self._gates.setdefault(host.lower(), _Gate())
        waited = False
        async with gate.slots:
            while True:
                if gate.refusal is not None:
                    raise gate.refusal
                answer = await self._exchange(method, name, host, path)
                if answer.status != _TOO_MANY:
                    return answer
                wait = parse_retry_after(answer.headers.get("retry-after", ""))
                if waited or wait is None or wait > LONGEST_WAIT:
                    gate.refusal = registry_status(_TOO_MANY, name.short, "")
                    gate.refusal.retry_after = wait
                    raise gate.refusal
                await asyncio.sleep(wait)
                waited = True

    async def _exchange(self, method: str, name: ModelName, host: str, path: str) -> _Answer:
        import aiohttp

        if self._session is None:
            raise RuntimeError("Use RegistryLook in an `async with` statement.")
        scheme = "http" if self._insecure(name) else "https"
        url = f"{scheme}://{host}/v2/{name.namespace}/{name.model}/{path}"
        headers = {"Accept": _MEDIA_TYPE}
        try:
            async with self._session.request(
                method, url, headers=headers, proxy=proxy_for(url), allow_redirects=True, max_redirects=5
            ) as reply:
                body = b""
                async for piece in reply.content.iter_any():
                    body += piece
                    if len(body) > _LIMIT:
                        raise not_a_registry(name, body[:200].decode(errors="replace"))
                return _Answer(reply.status, {key.lower(): value for key, value in reply.headers.items()}, body)
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            raise unreachable(name, error) from error


def _moment(text: str) -> datetime | None:
    """Seconds since 1970."""
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError):
        return None
