"""Putting new sections into `PanelView`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecs_localai.components.panel_view import PanelView


def take_over(view: PanelView, sections: Mapping[str, object]) -> bool:
    """Put the sections that are different into the view, by the names of its fields. Returns whether there was one.

    `PanelView.revision` is left to the caller.
    """
    different = {name: section for name, section in sections.items() if getattr(view, name) != section}
    for name, section in different.items():
        setattr(view, name, section)
    return bool(different)
