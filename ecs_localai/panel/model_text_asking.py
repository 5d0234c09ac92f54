"""Asking for what a model says of itself, once its row is unfolded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_localai.components.panel_intents import ModelDetailsRequested

if TYPE_CHECKING:
    from ecs_localai.components.panel_view import ModelRow, PanelView
    from ecs_localai.panel.controller import Controller

_PREFIX = "model:"
"""As in `UiState.unfolded`."""


class ModelTextAsking:
    """Asks for the words of each unfolded model once, and again when its row is unfolded again and they are unknown."""

    __slots__ = ("_asked", "_controller")

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._asked: set[tuple[str, str, bool]] = set()
        """Names and digests, and whether the host was there: once it is back, one asks again."""

    def folded(self, what: str) -> None:
        """Something was folded (as in `UiState.unfolded`)."""
        name = what.removeprefix(_PREFIX)
        self._asked = {asked for asked in self._asked if asked[0] != name}

    def look(self, view: PanelView) -> None:
        """Ask for what is shown and not known."""
        names = {what.removeprefix(_PREFIX) for what in self._controller.state.unfolded if what.startswith(_PREFIX)}
        if not names:
            return
        for row in view.models:
            if row.name in names and row.digest and not self._is_known(row, view):
                key = (row.name, row.digest, not row.inert_reason)
                if key not in self._asked:
                    self._asked.add(key)
                    self._controller.emit(ModelDetailsRequested(row.name, row.digest))

    @staticmethod
    def _is_known(row: ModelRow, view: PanelView) -> bool:
        known = view.model_texts.get(row.digest)
        return known is not None and not known.text.error
