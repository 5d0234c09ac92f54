"""What waits in a host's queue is asked for again: a model is in it once, and takes the newer wish, which is said."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from ecs_localai.components.events import UIUpdateEvent, UIUpdateKind
from ecs_localai.components.installation import InstallationPhase
from ecs_localai.components.time_values import Timestamp, utc_now
from ecs_localai.runtime import EventWriter
from ecs_localai.systems.host_entries import ListedHost
from ecs_localai.systems.view_installations import moment_words

if TYPE_CHECKING:
    from ecs_localai.systems.host_list import OllamaHosts
    from ecs_localai.systems.installation_desk import InstallationDesk


def take_newer_wish(
    desk: InstallationDesk,
    listed: OllamaHosts,
    one: ListedHost | None,
    name: str,
    not_before: Timestamp | None,
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """What waits already of the same model for the same host begins when it was asked for last: now, or at a time.

    What is at work, or is made and not downloaded, stays as it is. `one` is the host; None: none of the list.
    """
    there = None if one is None else desk.books.same(name, one.base_url)
    if one is None or there is None or there.status.is_running or there.recipe is not None:
        return
    text = newer_wish_text(
        f"{there.model_name} on {one.host.name}" if len(listed.all()) > 1 else there.model_name,
        is_paused=there.status.kind is InstallationPhase.PAUSED,
        former=there.not_before,
        not_before=not_before,
        now=utc_now(),
    )
    desk.rests.resume(there)
    desk.rests.schedule(there, not_before)
    if text:
        ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text=text))


def newer_wish_text(
    name: str, *, is_paused: bool, former: datetime | None, not_before: datetime | None, now: datetime
) -> str:
    """What the newer wish changes, as a sentence; empty where that is nothing, or nothing was put off before."""
    later = former is not None and former > now
    if (not is_paused and former == not_before) or not (is_paused or later):
        return ""
    if not_before is not None and not_before > now:
        return f"{name} was in the queue already; now it is for {_words(not_before, now)}."
    if is_paused or former is None:
        return f"{name} was paused in the queue; now it goes on."
    return f"{name} was in the queue for {_words(former, now)}; it does not wait until then any more."


def _words(moment: datetime, now: datetime) -> str:
    """``tonight at 01:00``."""
    words = moment_words(moment, now)
    return f"{words[0].lower()}{words[1:]}"
