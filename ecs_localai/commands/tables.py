"""Tables and coloured text by rich. Import it when something is to be drawn: rich takes a while."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import NoReturn

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from ecs_localai.commands.failure import OutputClosed
from ecs_localai.commands.terminal import is_terminal, printable, write_text

_UNBOUNDED = 100_000


class _OurConsole(Console):
    def on_broken_pipe(self) -> NoReturn:
        """Instead of rich's own way out, with exit code 1."""
        raise OutputClosed


def console() -> Console:
    """Standard output. Where no terminal shows it, lines are as long as they are, for other programs to read."""
    if sys.stdout is None:
        raise OutputClosed
    return _OurConsole(
        file=sys.stdout,
        width=None if is_terminal() else _UNBOUNDED,
        highlight=False,
        emoji=False,
        markup=False,
        soft_wrap=False,
    )


def draw(*what: RenderableType) -> None:
    """Print things one below the other, without blanks at the ends of lines where no terminal shows them.

    Raises:
        OutputClosed: nobody reads standard output any more.
    """
    out = console()
    if is_terminal():
        for one in what:
            out.print(one)
        return
    with out.capture() as captured:
        for one in what:
            out.print(one)
    write_text("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def text(content: str, style: str = "") -> Text:
    """Text that stands for itself: no markup and no control characters."""
    return Text(printable(content), style=style)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()) -> Table:
    """A plain table like that of ``ollama list``; the columns named in `right` are aligned to the right."""
    made = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for head in heads:
        made.add_column(
            Text(head.upper()), justify="right" if head in right else "left", overflow="fold", no_wrap=not is_terminal()
        )
    for row in rows:
        made.add_row(*(text(cell) for cell in row))
    return made
