"""Calls that change nothing: what the server is, what it has, and what it can do."""

from __future__ import annotations

import asyncio
import re

import msgspec
from msgspec import UNSET

from .calls import Calls
from .errors import InvalidRequest
from .features import PROBED, Feature, ServerFeatures, features_of
from .requests import ShowRequest
from .wire import RunningEntry, ShowReply, TagEntry, decode_ps, decode_show, decode_tags

__all__ = ["ReadingCalls"]

_FROM = re.compile(r"^FROM (.+[/\\]blobs[/\\]sha256-[0-9a-f]{64})\s*$", re.MULTILINE)
_FILE_NAME = len("sha256-") + 64


class ReadingCalls(Calls):
    """Reads. Equal ones at the same time are one request; each is repeated as the client's policy says.

    With ``retry=False`` one is tried once, for those who want to see each failure: a probe of a server's health.
    """

    _features: ServerFeatures | None = None
    _told_blob: tuple[str, float] | None = None
    _told_weights: dict[str, str] | None = None

    async def root(self, *, retry: bool = True) -> str:
        """What it says at its root: ``Ollama is running``."""
        return await self._read("/", _decode_root, retry=retry)

    async def version(self, *, retry: bool = True) -> str:
        """The version of the server, such as ``0.9.3``; some builds say ``0.0.0``."""
        return await self._version(retry=retry)

    async def tags(self, *, retry: bool = True) -> list[TagEntry]:
        """The models on its disk, newest first."""
        reply = await self._read("/api/tags", decode_tags, retry=retry)
        if reply.models is UNSET:
            raise self._not_ollama()
        return list(reply.models or [])  # a list of the caller's own: the reply may be shared

    async def ps(self, *, retry: bool = True) -> list[RunningEntry]:
        """The models in its memory.

        Ask at most every two seconds: before Ollama 0.32.4 fast polling could crash it (issue 17376).
        """
        reply = await self._read("/api/ps", decode_ps, retry=retry)
        if reply.models is UNSET:
            raise self._not_ollama()
        return list(reply.models or [])

    async def show(self, model: str, *, verbose: bool = False, retry: bool = True) -> ShowReply:
        """What a model is; ``verbose`` with its vocabulary, which may be megabytes.

        Raises ModelNotFound, InvalidRequest.
        """
        request = ShowRequest(model, verbose)
        reply = await self._read("/api/show", decode_show, request, method="POST", model=model, retry=retry)
        if reply.details is UNSET and not reply.modelfile and not reply.model_info:
            raise self._not_ollama()
        blob = _FROM.search(reply.modelfile)
        if blob is not None:
            self._told_blob = blob[1], asyncio.get_running_loop().time()
        return reply

    def told_blob(self, within: float) -> str:
        """The path of a model's weights where the server keeps them, as `show` gave it in the last so many seconds.

        Ollama 0.9.3 puts it into the ``modelfile``. Empty where it was not asked, or did not tell.
        """
        if self._told_blob is None or asyncio.get_running_loop().time() - self._told_blob[1] > within:
            return ""
        return self._told_blob[0]

    async def weights(self, entry: TagEntry) -> str:
        """The file with an installed model's weights, ``sha256-`` and 64 hexadecimal digits; empty if it is not told.

        It is the ``FROM`` of the ``modelfile`` (Ollama 0.9.3). Asked once for each `TagEntry.digest`: what has another
        file has another digest.

        Raises ModelNotFound, InvalidRequest, ServerFailure: it cannot be shown.
        """
        if self._told_weights is None:
            self._told_weights = {}
        if entry.digest not in self._told_weights:
            blob = _FROM.search((await self.show(entry.name)).modelfile)
            self._told_weights[entry.digest] = "" if blob is None else blob[1][-_FILE_NAME:]
        return self._told_weights[entry.digest]

    async def blob_exists(self, digest: str, *, retry: bool = True) -> bool:
        """Whether a blob, ``sha256:`` and 64 hexadecimal digits, is on its disk, complete.

        Raises InvalidRequest for a digest that is none.
        """
        status = await self._exists(f"/api/blobs/{digest}", retry=retry)
        if status == 400:
            raise InvalidRequest(f"{digest!r} is not a digest; it is sha256: and 64 hexadecimal digits.")
        return status < 400

    async def features(self, *, retry: bool = True) -> ServerFeatures:
        """What this server can do that others can't.

        Calls that not every Ollama has are asked for by a HEAD, which does nothing; the rest follows from the
        version. Asked once for each version that the server has had.
        """
        version = await self.version(retry=retry)
        known = self._features
        if known is None or known.version != version:
            found = await asyncio.gather(*(self._offers(feature, retry=retry) for feature in PROBED))
            known = self._features = features_of(version, dict(zip(PROBED, found, strict=True)))
        return known

    async def _offers(self, feature: Feature, *, retry: bool) -> bool:
        return await self._exists(PROBED[feature], retry=retry) != 404


def _decode_root(content: bytes) -> str:
    text = content[:200].decode(errors="replace").strip()
    if "ollama" not in text.lower():
        raise msgspec.ValidationError("this is not what Ollama says at its root")
    return text
