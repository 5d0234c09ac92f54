"""Why an installation does not go on, in words."""

from __future__ import annotations

from datetime import datetime

from ecs_localai.commands.clock_times import when_text
from ecs_localai.components.installation import WaitReason
from ecs_localai.components.time_values import utc_now

_WORDS = {
    WaitReason.TURN: "waiting for its turn",
    WaitReason.HOST: "waiting for its host, which does not answer",
    WaitReason.SHARED_LAYER: "waiting for another model that has a file in common with it",
    WaitReason.PAUSED: "paused",
    WaitReason.ROOM: "waiting for room on the models' disk, which others will fill",
    WaitReason.ELSEWHERE: "waiting for another program, which is installing it",
}


def waiting_text(reason: WaitReason, not_before: datetime | None) -> str:
    """``waiting for its turn``, ``begins tomorrow at 01:00``."""
    if reason is WaitReason.SCHEDULED:
        return "waiting for its time" if not_before is None else f"begins {when_text(not_before, utc_now())}"
    return _WORDS[reason]
