"""Whether a call that failed is made again, and when.

What may be repeated depends on the call (`Repeat`), whether it makes sense on the failure: never where somebody has
to change something first (a wrong request, missing credentials, a bad certificate, a full disk).
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import TYPE_CHECKING

from .errors import ErrorKind, OllamaError

if TYPE_CHECKING:
    from ecs_localai.components.hosts import RetryPolicy

__all__ = ["Attempts", "Repeat", "parse_retry_after"]

_NOT_CONNECTED = frozenset({ErrorKind.REFUSED, ErrorKind.DNS, ErrorKind.UNREACHABLE, ErrorKind.TIMED_OUT})
_PASSING = _NOT_CONNECTED | {
    ErrorKind.DISCONNECTED,
    ErrorKind.BAD_REPLY,
    ErrorKind.BUSY,
    ErrorKind.SERVER_FAILURE,
}
"""The kinds that may be gone at the next attempt; of these only errors that say so themselves (``retryable``)."""


class Repeat(Enum):
    """When a call may be repeated."""

    ALWAYS = "always"  # it only reads
    UNTIL_TAKEN = "until_taken"  # nothing was sent, or the server has said that it is too busy to begin
    UNSENT = "unsent"  # nothing was sent
    NEVER = "never"  # the caller wants to see each failure


class Attempts:
    """The attempts of one call. Without a ``policy`` there is one, but for a connection found dead in a read."""

    __slots__ = ("_chance", "_failures", "_policy", "_repeat")

    def __init__(self, policy: RetryPolicy | None, repeat: Repeat, chance: random.Random | None = None) -> None:
        self._policy = policy
        self._repeat = repeat
        self._chance = chance
        self._failures = 0

    def delay_after(self, error: OllamaError, sent: bool) -> float | None:
        """How many seconds to wait before the next attempt; None: there is none.

        ``sent`` is whether a byte of the request has gone out. A wait that the server asks for (``Retry-After``) is
        the least; where it is longer than the policy's longest, the failure is the caller's.
        """
        self._failures += 1
        if not self._may_repeat(error, sent):
            return None
        if error.kind is ErrorKind.DISCONNECTED and self._failures == 1:
            return 0.0  # most likely a pooled connection that the server had just closed
        policy = self._policy
        if policy is None or self._failures >= policy.max_attempts:
            return None
        longest = policy.max_delay.total_seconds()
        asked = error.retry_after or 0.0
        if asked > longest:
            return None
        # A float's power has no overflow at these: it is cut where the delay has passed the longest.
        grown = policy.initial_delay.total_seconds() * policy.multiplier ** min(self._failures - 1, 64)
        swing = (self._chance or random).uniform(-policy.jitter, policy.jitter)
        return max(asked, min(grown, longest) * (1.0 + swing))

    def _may_repeat(self, error: OllamaError, sent: bool) -> bool:
        if not error.retryable or error.kind not in _PASSING:
            return False
        match self._repeat:
            case Repeat.ALWAYS:
                return True
            case Repeat.UNTIL_TAKEN:
                return not sent or error.kind is ErrorKind.BUSY
            case Repeat.UNSENT:
                return not sent
            case Repeat.NEVER:
                return False


def parse_retry_after(text: str, now: datetime | None = None) -> float | None:
    """The seconds that a ``Retry-After`` header asks for: a number, or a date (RFC 9110, 10.2.3); None if neither."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
