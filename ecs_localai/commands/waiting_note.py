"""A line on a terminal for each thing that is waited for, with the time so far, which is gone when it is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from ecs_localai.commands.terminal import is_terminal, printable, say

if TYPE_CHECKING:
    from rich.progress import Progress


class WaitingNote:
    """Shows what is being waited for where a person sees it, and nothing elsewhere. Use it in a ``with`` statement."""

    def __init__(self, as_json: bool) -> None:
        self._progress: Progress | None = None if as_json or not is_terminal() else _progress()

    def __enter__(self) -> WaitingNote:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    @contextmanager
    def about(self, what: str) -> Iterator[None]:
        """Inside the block the note says this and how long it has been waited for."""
        progress = self._progress
        if progress is None:
            yield
            return
        row = progress.add_task(printable(what), total=None)
        try:
            yield
        finally:
            progress.remove_task(row)

    def say(self, text: str) -> None:
        """Print a line that stays, above the note.

        Raises:
            OutputClosed: nobody reads standard output any more.
        """
        if self._progress is None:
            say(text)
        else:
            self._progress.refresh()  # or a row that is gone would be drawn once more, below the line
            self._progress.print(printable(text), markup=False, highlight=False)


def _progress() -> Progress:
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.table import Column

    from ecs_localai.commands.tables import console

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
        TimeElapsedColumn(),
        console=console(),
        transient=True,
    )
