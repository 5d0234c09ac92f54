"""How far a pull is, folded out of the raw lines of ``POST /api/pull``.

Ollama's lines have traps that this hides (ollama 0.9.3 ``server/download.go``, ``server/images.go``):
``completed`` and ``total`` may be missing, ``completed`` goes backwards when a part of a transfer is
thrown away (issues 8280, 8484), a layer's last line need not reach its total, and a 200 says nothing:
only a last line ``success`` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from msgspec import UNSET, Struct

from ecs_localai.components.installation import LayerProgress

from .errors import BadReply
from .wire import UNREADABLE, PullLine, decode_pull_line

__all__ = ["PullPhase", "PullProgress", "PullSummary", "PullTracker"]


_STATUS_LIMIT = 200
_NO_LINE = b"\n"
"""No line begins like this."""
_NUMBER_AND_END = 13
"""The digits of a number below ten terabytes and the closing brace; nothing else fits in, an error least of all."""
_MANY_STEPS = 4
_VISIBLE_SHARE = 200
"""A layer is told anew when it has come further by one such part of its size: nobody sees less."""


class PullPhase(StrEnum):
    """What a pull is doing."""

    MANIFEST = "manifest"
    DOWNLOADING = "downloading"
    VERIFYING = "verifying"
    WRITING = "writing"
    DONE = "done"


class PullProgress(Struct, frozen=True):
    """How far a pull is. Sizes in bytes.

    ``bytes_downloaded`` never goes backwards; what the server threw away and has to fetch again is in
    ``rolled_back_bytes`` meanwhile. ``total_bytes`` sums the layers known so far, so without the
    manifest's sizes it grows as layers are reached. ``fraction`` (0 to 1) never goes backwards either,
    and is None while no size is known. ``bytes_present`` is what the first line about each layer counted
    already: it was on the server's disk before (or came within the 60 ms before that line), so leave it
    out of a speed. ``layer`` is the digest of the layer being fetched. ``transferred_bytes`` is what has come over
    the line in this pull, ``refetched_bytes`` what of it, or of earlier pulls that the tracker was told of, the server
    has thrown away: the first for a speed, the second for an honest sum. ``layers`` says how far each layer is, and is
    the same object until one has come further by a two-hundredth of its size.
    """

    status: str = ""
    phase: PullPhase = PullPhase.MANIFEST
    bytes_downloaded: int = 0
    total_bytes: int = 0
    fraction: float | None = None
    layer: str = ""
    layers_done: int = 0
    layers_known: int = 0
    rolled_back_bytes: int = 0
    bytes_present: int = 0
    transferred_bytes: int = 0
    refetched_bytes: int = 0
    layers: tuple[LayerProgress, ...] = ()


class PullSummary(Struct, frozen=True):
    """A pull that succeeded. ``bytes_transferred`` leaves out ``PullProgress.bytes_present``."""

    model: str
    duration_s: float
    total_bytes: int
    bytes_transferred: int
    layers: tuple[str, ...]


class _Layer:
    """One blob: how much of it is there, by the server's last word."""

    __slots__ = ("completed", "done", "total")

    def __init__(self, total: int, completed: int = 0) -> None:
        self.total = total
        self.completed = completed
        self.done = False

    @property
    def counted(self) -> int:
        return self.total if self.done else self.completed


class PullTracker:
    """Folds the lines of one pull into a :class:`PullProgress`.

    ``expected_layers`` maps digests to sizes, from the manifest (``Manifest.expected_layers``); with it
    the total is right from the first line on. ``fetched_before`` is how much of each the pulls before this one had
    fetched: that is believed until the server says what it has kept of it.
    """

    def __init__(
        self, expected_layers: Mapping[str, int] | None = None, fetched_before: Mapping[str, int] | None = None
    ) -> None:
        before = fetched_before or {}
        self._layers = {
            digest: _Layer(size, min(size, before.get(digest, 0))) for digest, size in (expected_layers or {}).items()
        }
        self._expected = bool(self._layers)  # until the server names a layer that isn't among them
        self._seen: dict[str, None] = {}
        self._sized: set[str] = set()  # of those, the layers of which the server has said how big they are
        self._current: _Layer | None = None
        self._phase = PullPhase.MANIFEST
        self._status = ""
        self._digest = ""
        self._prefix = _NO_LINE  # a progress line up to the digits of "completed", to skip decoding
        self._counted = self._high_water = sum(layer.completed for layer in self._layers.values())
        self._transferred = 0
        self._refetched = 0
        self._told_at: tuple[str, PullPhase, int] = "", PullPhase.MANIFEST, 0
        self._told: tuple[LayerProgress, ...] = ()
        self._fraction: float | None = None
        self._present = 0
        self._last_is_success = False
        self.error: str | None = None
        self.progress = PullProgress(
            bytes_downloaded=self._counted,
            total_bytes=self._total(),
            layers_known=len(self._layers),
            layers=self._tell_layers(),
        )

    @property
    def succeeded(self) -> bool:
        """Whether the last line was ``success`` and no line was an error."""
        return self._last_is_success and self.error is None

    @property
    def phase(self) -> PullPhase:
        """What the pull is doing."""
        return self._phase

    @property
    def completed_sum(self) -> int:
        """The sum of what the server says it has; may go backwards. A stall is when it stands still."""
        return self._counted

    @property
    def layer(self) -> str:
        """The digest of the layer at hand; empty before the first."""
        return self._digest

    @property
    def layers_seen(self) -> tuple[str, ...]:
        """The digests of the layers that the server has named, in its order."""
        return tuple(self._seen)

    @property
    def safe_to_close(self) -> bool:
        """Whether closing the connection now can't bring the server down.

        While Ollama asks for the size of a layer, a client that leaves a transfer shared with another
        one makes the server panic or hang (seen in 0.9.3, in the newest source too; PR 17370). A line
        with a size and less than that completed says that this is over for the layer at hand.
        """
        if self.error is not None or self._phase in {PullPhase.VERIFYING, PullPhase.WRITING, PullPhase.DONE}:
            return True
        layers = (self._layers[digest] for digest in self._sized)
        return any(not layer.done and layer.completed < layer.total for layer in layers)

    def repeats(self, step: int) -> bool:
        """Whether the next lines will most likely say the same again with another number.

        They do in the middle of a layer, when it needs many more looks like the last one, which brought ``step``
        bytes; and at a layer's end, until the server's second for it is over (0.9.3).
        """
        layer = self._current
        if layer is None or not layer.total or self._phase is not PullPhase.DOWNLOADING:
            return False
        left = layer.total - layer.completed
        return left <= 0 or left > _MANY_STEPS * step

    def feed(self, lines: Iterable[bytes]) -> PullProgress | None:
        """Fold in some lines, in order; return the progress if it changed.

        Of several lines that repeat a layer's line with another number only the newest is looked at, and it
        isn't decoded. Lines after an error are ignored: the first error is final. Raises BadReply for a line
        that isn't JSON.
        """
        prefix = self._prefix
        longest = len(prefix) + _NUMBER_AND_END
        newest = b""
        for line in lines:
            if line.startswith(prefix) and len(line) <= longest:
                newest = line
                continue
            if newest:
                self._repeat(newest, prefix)
                newest = b""
            if self.error is None:
                self._fold(line)
            prefix = self._prefix
            longest = len(prefix) + _NUMBER_AND_END
        if newest:
            self._repeat(newest, prefix)
        return self._publish()

    def _repeat(self, line: bytes, prefix: bytes) -> None:
        """Take in a line that begins like the one before."""
        if self.error is not None:
            return
        digits = line[len(prefix) : -1]
        if digits.isdigit() and line.endswith(b"}"):
            self._move(int(digits))
        else:
            self._fold(line)

    def _fold(self, line: bytes) -> None:
        try:
            entry = decode_pull_line(line)
        except UNREADABLE as error:
            raise BadReply(
                "The server sent a line about the pull that can't be read; check that it is an Ollama.",
                detail=line[:200].decode(errors="replace"),
            ) from error
        self._last_is_success = False
        if entry.error is not UNSET and entry.error:
            self.error = entry.error
            return
        status = entry.status[:_STATUS_LIMIT] if isinstance(entry.status, str) else ""
        if entry.digest:
            self._fold_layer(entry, status, line)
        elif status:
            self._status = status
            self._fold_status(status)

    def _fold_status(self, status: str) -> None:
        if status == "success":
            self._phase = PullPhase.DONE
            self._last_is_success = True
        elif status.startswith("verifying"):
            self._phase = PullPhase.VERIFYING
        elif status.startswith(("writing", "removing")):
            self._phase = PullPhase.WRITING
        else:
            return
        self._prefix = _NO_LINE
        for layer in self._layers.values():
            layer.done = True

    def _fold_layer(self, entry: PullLine, status: str, line: bytes) -> None:
        digest = entry.digest
        if digest != self._digest:
            if self._current is not None and status:
                # One layer after the other: the one before is through, whatever its last line said.
                # Only the client2 experiment mixes them, and its lines have no status.
                self._current.done = True
            self._digest = digest
            self._current = self._enter(digest)
            self._prefix = _NO_LINE
        layer = self._current
        if layer is None:
            return
        self._seen.setdefault(digest)
        layer.done = False
        if entry.total > 0:
            layer.total = entry.total
        if digest not in self._sized:
            if not entry.total and not entry.completed:
                self._note(entry, status)  # a transfer that was joined: nothing is known of it yet
                return
            self._sized.add(digest)
            self._present += min(entry.completed, entry.total)
            self._refetched += max(0, layer.completed - entry.completed)
            layer.completed = entry.completed
        self._note(entry, status)
        self._move(entry.completed)
        start = line.rfind(b'"completed":') + 12
        if start > 12 and line[start:] == b"%d}" % entry.completed:
            self._prefix = line[:start]

    def _note(self, entry: PullLine, status: str) -> None:
        self._phase = PullPhase.DOWNLOADING
        self._status = status or f"pulling {entry.digest.removeprefix('sha256:')[:12]}"

    def _enter(self, digest: str) -> _Layer:
        layer = self._layers.get(digest)
        if layer is None:
            if self._expected:
                # The tag has moved since the manifest was read, or the whole model comes under one
                # made-up digest (MLX: "sha256:model"): what we expected is of no use.
                self._expected = False
                self._layers = {known: self._layers[known] for known in self._seen}
            layer = self._layers[digest] = _Layer(0)
        return layer

    def _move(self, completed: int) -> None:
        layer = self._current
        if layer is None:
            return
        now = min(completed, layer.total) if layer.total else completed
        if now >= layer.completed:
            self._transferred += now - layer.completed
        else:
            self._refetched += layer.completed - now
        layer.completed = now

    def _total(self) -> int:
        return sum(layer.total for layer in self._layers.values())

    def _publish(self) -> PullProgress | None:
        counted = self._counted = sum(layer.counted for layer in self._layers.values())
        self._high_water = max(self._high_water, counted)
        total = max(self._total(), self._high_water)
        if self._phase is PullPhase.DONE:
            self._fraction = 1.0
        elif total and self._seen:
            fraction = self._high_water / total
            if not self._expected and self._phase is PullPhase.DOWNLOADING:
                fraction = min(fraction, 0.999)  # a layer of unknown size may still follow
            self._fraction = max(self._fraction or 0.0, fraction)
        progress = PullProgress(
            status=self._status,
            phase=self._phase,
            bytes_downloaded=self._high_water,
            total_bytes=total,
            fraction=self._fraction,
            layer=self._digest,
            layers_done=sum(layer.done or 0 < layer.total <= layer.completed for layer in self._layers.values()),
            layers_known=len(self._layers),
            rolled_back_bytes=self._high_water - counted,
            bytes_present=self._present,
            transferred_bytes=self._transferred,
            refetched_bytes=self._refetched,
            layers=self._tell_layers(),
        )
        if progress == self.progress:
            return None
        self.progress = progress
        return progress

    def _tell_layers(self) -> tuple[LayerProgress, ...]:
        """How far each layer is; what was said last while nothing of it can be seen to have changed."""
        layer = self._current
        counted = 0 if layer is None else layer.counted
        digest, phase, told = self._told_at
        is_same = (digest, phase) == (self._digest, self._phase) and len(self._told) == len(self._layers)
        if is_same and layer is not None and abs(counted - told) * _VISIBLE_SHARE < layer.total:
            return self._told
        self._told_at = self._digest, self._phase, counted
        self._told = tuple(
            LayerProgress(digest, one.total, one.counted, one.done or 0 < one.total <= one.completed)
            for digest, one in self._layers.items()
        )
        return self._told
