"""Which of the installations that wait may begin now, and why the others may not: decided without looking at a world.

Ollama itself runs any number of pulls at a time, and lets those of one file share its transfer; a client that leaves a
shared one at the wrong moment brings the server down (0.9.3, PR 17370). So no two that share a file run at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from ecs_localai.components.installation import WaitReason


class Fetch(msgspec.Struct, frozen=True):
    """What an installation brings to a host."""

    installation_id: str
    host: str
    names: frozenset[str]
    """The models' names as they are compared: its own, and that of a model which it is made of."""
    digests: frozenset[str] | None
    """The files that the host lacks; None while they are being asked for, empty where nobody can tell."""

    def shares_with(self, other: Fetch) -> bool:
        """Whether both fetch the same: the same model, or a file."""
        if self.host != other.host:
            return False
        return bool(self.names & other.names or (self.digests or frozenset()) & (other.digests or frozenset()))

    def may_share_with(self, other: Fetch) -> bool:
        """Whether nobody knows yet if they share a file."""
        return self.host == other.host and (self.digests is None or other.digests is None)


class Waiting(msgspec.Struct, frozen=True):
    """One that waits."""

    fetch: Fetch
    paused: bool = False
    not_before: datetime | None = None
    is_away: bool | None = False
    """Whether its host is not there; None while that is being found out: it does not begin, and nothing is told."""
    is_elsewhere: bool = False
    """Whether another program is at work on the same."""
    lacks_room: bool = False
    """Whether what its host is downloading will take the room that it needs."""


@dataclass(slots=True)
class Plan:
    """What is to be done."""

    starts: list[str] = field(default_factory=list)
    """The ids of those that begin now."""
    waits: dict[str, WaitReason] = field(default_factory=dict)
    """Why each of the others does not, by id."""
    behind: dict[str, str] = field(default_factory=dict)
    """By the id of one that shares something: the id of the one that is before it."""
    next_moment: datetime | None = None
    """When the next scheduled one's time comes."""


def plan_order(waiting: Sequence[Waiting], at_work: Iterable[Fetch], *, at_once: int, now: datetime) -> Plan:
    """Decide, in the order of `waiting`.

    One that shares something with an earlier one waits for it, also where that waits itself: so none is overtaken for
    ever. One that cannot begin for another reason holds nobody up.

    Args:
        waiting: the next one first.
        at_work: those that run, and those that were stopped and have not ended yet.
        at_once: how many may run at a time on a host.
        now: the time.
    """
    plan = Plan()
    before = list(at_work)
    running = Counter(one.host for one in before)
    for one in waiting:
        fetch, key = one.fetch, one.fetch.installation_id
        reason = _own_reason(one, now)
        if reason is not None:
            plan.waits[key] = reason
            if reason is WaitReason.SCHEDULED and one.not_before is not None:
                plan.next_moment = min(plan.next_moment or one.not_before, one.not_before)
            continue
        if one.is_away is None:
            continue
        other = next((earlier for earlier in before if fetch.shares_with(earlier)), None)
        if other is not None:
            plan.waits[key] = WaitReason.SHARED_LAYER
            plan.behind[key] = other.installation_id
        elif running[fetch.host] >= at_once or any(fetch.may_share_with(earlier) for earlier in before):
            plan.waits[key] = WaitReason.TURN
        else:
            plan.starts.append(key)
            running[fetch.host] += 1
        before.append(fetch)
    return plan


def _own_reason(one: Waiting, now: datetime) -> WaitReason | None:
    """Why it could not begin if it were the only one."""
    if one.paused:
        return WaitReason.PAUSED
    if one.not_before is not None and one.not_before > now:
        return WaitReason.SCHEDULED
    if one.is_away:
        return WaitReason.HOST
    if one.lacks_room:
        return WaitReason.ROOM
    return WaitReason.ELSEWHERE if one.is_elsewhere else None
