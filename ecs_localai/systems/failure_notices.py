"""Saying on the panel that a part of it has failed: whoever looks at the panel reads no log."""

from __future__ import annotations

from ecs_localai.components.events import UIUpdateEvent, UIUpdateKind
from ecs_localai.runtime import EventReader, EventWriter, SystemFailed, Update
from ecs_localai.systems.sets import LocalModelsSystemSet

_OURS = frozenset(f"{Update.name}/{system_set.name}" for system_set in LocalModelsSystemSet)


def tell_of_failures(failed: EventReader[SystemFailed], ui: EventWriter[UIUpdateEvent]) -> None:
    """Put a notice on the panel for each of our own systems that fails, when it begins to."""
    for failure in failed:
        if failure.schedule in _OURS and failure.failures_in_a_row == 1:
            text = f"A part of this panel failed ({failure.system}) and is tried again: {failure.message}"
            ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text=text))
