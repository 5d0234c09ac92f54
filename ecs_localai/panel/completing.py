"""Names to choose from while one is being typed: which of the known ones go on from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecs_localai.components.installing_view import CompletionRow
    from ecs_localai.panel.editing import LineEdit

MOST_NAMES = 6
"""So many are offered at once."""
_BETWEEN = re.compile(r"[\s,]")
"""What stands between the names of several models."""


@dataclass(slots=True)
class Completing:
    """The list of names below the install field: whether it is open, and which name is chosen in it."""

    open: bool = False
    """Whether something was typed since it was closed last. It is seen only where names go on from that."""
    chosen: str = ""
    """The name that Enter takes; empty: none, Enter is about what was typed."""

    def close(self) -> None:
        """Offer nothing until something is typed again."""
        self.open, self.chosen = False, ""


def word_at_caret(edit: LineEdit) -> tuple[int, int]:
    """Where the name that the caret is in, or at, begins and ends."""
    text, caret = edit.text, edit.caret
    start = max((found.end() for found in _BETWEEN.finditer(text, 0, caret)), default=0)
    found = _BETWEEN.search(text, caret)
    return start, len(text) if found is None else found.start()


def matching_names(rows: Sequence[CompletionRow], typed: str) -> list[CompletionRow]:
    """The names that begin with what was typed, then those that have it elsewhere; each group in its own order.

    Upper and lower case are the same. Nothing where nothing was typed, or where a name is there as a whole and none
    goes on from it.
    """
    wanted = typed.lower()
    if not wanted:
        return []
    beginning: list[CompletionRow] = []
    containing: list[CompletionRow] = []
    for row in rows:
        place = row.name.lower().find(wanted)
        if place == 0:
            beginning.append(row)
            if len(beginning) == MOST_NAMES:
                break
        elif place > 0 and len(containing) < MOST_NAMES:
            containing.append(row)
    found = [*beginning, *containing][:MOST_NAMES]
    return [] if [row.name.lower() for row in found] == [wanted] else found
