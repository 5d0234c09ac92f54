"""``ecs-localai hosts``: all hosts side by side."""

from __future__ import annotations

from ecs_localai.commands.host_look import HostLine, look_at_all, size_text, status_text
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import say_json
from ecs_localai.components.wording import format_bytes


def list_hosts(target: Target, as_json: bool) -> int:
    """Ask all hosts at once and print how they are; returns the exit code. A host that is away is no failure.

    Raises:
        CommandFailed: ``--host`` or ``OLLAMA_HOST`` is no address.
    """
    book = target.book()
    lines = look_at_all(book.hosts, book)
    if as_json:
        for line in lines:
            say_json(line)
        return 0
    from ecs_localai.commands.tables import draw, table, text

    heads = ("", "name", "address", "status", "version", "answers in", "models", "on disk")
    draw(table(heads, map(_cells, lines), right=("answers in", "models", "on disk")))
    for line in lines:
        if line.error is not None:
            draw("", text(f"{line.name}: {line.error}"), *(text(f"  → {step}") for step in line.advice))
    return 0


def _cells(line: HostLine) -> tuple[str, ...]:
    return (
        "*" if line.is_default else "",
        line.name,
        line.base_url,
        status_text(line),
        " ".join(part for part in (line.program, line.version) if part) or "-",
        "-" if line.response_time_ms is None else milliseconds(line.response_time_ms),
        "-" if line.models is None else str(line.models),
        "-" if line.size_on_disk is None else size_text(line) or format_bytes(0),
    )


def milliseconds(count: float) -> str:
    """``3.2 ms``, ``48 ms``."""
    return f"{count:.1f} ms" if count < 10 else f"{count:.0f} ms"
