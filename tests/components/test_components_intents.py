"""The list of everything that a person can ask for in the panel."""

from __future__ import annotations

import msgspec

from ecs_localai.components import panel_intents
from ecs_localai.components.panel_intent_list import INTENTS


def test_every_intent_is_in_the_list_once() -> None:
    """One that is missing would be written by the panel and heard by nobody."""
    there = {
        kind
        for kind in vars(panel_intents).values()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind.__module__ == panel_intents.__name__
    }
    assert set(INTENTS) == there
    assert len(INTENTS) == len(there)
