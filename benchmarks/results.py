"""What a benchmark finds, and how it is printed."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import msgspec

from benchmarks.measuring import Spread


class Figure(msgspec.Struct, frozen=True):
    """One figure. `goal` is the most that it may be and `least` the least, in its unit; None: nothing was promised."""

    what: str
    value: float
    unit: str
    detail: str = ""
    goal: float | None = None
    least: float | None = None

    @property
    def verdict(self) -> str:
        """Whether the goal is met, in words; empty without a goal."""
        words = []
        if self.goal is not None:
            words.append(f"goal at most {self.goal:g} {self.unit}: {'met' if self.value <= self.goal else 'MISSED'}")
        if self.least is not None:
            words.append(f"goal at least {self.least:g} {self.unit}: {'met' if self.value >= self.least else 'MISSED'}")
        return ", ".join(words)


class Report(msgspec.Struct, frozen=True):
    """A benchmark's figures, or why there are none."""

    name: str
    title: str
    figures: list[Figure]
    seconds: float
    skipped: str | None = None


class Skipped(Exception):
    """A benchmark cannot be run here; the text says what is missing and how to get it."""


def ratio_figure(
    what: str,
    found: Spread,
    ours: Sequence[float],
    theirs: Sequence[float],
    unit: str,
    goal: float | None = None,
    least: float | None = None,
) -> Figure:
    """A ratio, with both sides' medians in `unit` beside it."""
    detail = (
        f"{shown(median(ours))} {unit} against {shown(median(theirs))} {unit}; "
        f"half of {found.rounds} rounds within {found.low:.3g} to {found.high:.3g}"
    )
    return Figure(what, found.median, "x", detail, goal, least)


def difference_figure(
    what: str, found: Spread, ours: Sequence[float], theirs: Sequence[float], unit: str, goal: float | None = None
) -> Figure:
    """A difference, with both sides' medians in `unit` beside it."""
    detail = (
        f"{shown(median(ours))} {unit} against {shown(median(theirs))} {unit}; "
        f"half of {found.rounds} rounds within {found.low:.3g} to {found.high:.3g}"
    )
    return Figure(what, found.median, unit, detail, goal)


def shown(value: float) -> str:
    """Three significant digits, without exponents for everyday sizes."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def text_of(report: Report) -> str:
    """The report as lines for people."""
    lines = [f"{report.name}: {report.title} ({report.seconds:.0f} s)"]
    if report.skipped is not None:
        lines.append(f"  skipped: {report.skipped}")
    width = max((len(figure.what) for figure in report.figures), default=0)
    for figure in report.figures:
        line = f"  {figure.what:<{width}}  {shown(figure.value):>6} {figure.unit:<5}"
        parts = [part for part in (figure.verdict, figure.detail) if part]
        lines.append(f"{line}  {' · '.join(parts)}".rstrip())
    return "\n".join(lines)
