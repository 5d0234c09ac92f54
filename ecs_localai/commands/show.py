"""``ecs-localai show``: what one model is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import UNSET

from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import say_json
from ecs_localai.components.codec import to_builtins
from ecs_localai.components.wording import format_count
from ecs_localai.ollama.names import parse_model_name
from ecs_localai.ollama.wire import ModelDetails

if TYPE_CHECKING:
    from ecs_localai.ollama.wire import ShowReply


_MOST_LINES = 12
_MOST_CHARACTERS = 1_000


def show_model(target: Target, model: str, as_json: bool) -> int:
    """Print what the server tells of a model, long texts shortened; ``--json`` prints all, in Ollama's own words.

    Raises:
        CommandFailed, OllamaError: with a sentence.
    """
    name = parse_model_name(model).short
    reply = target.ask(lambda client: client.show(name))
    if as_json:
        told = to_builtins(reply)
        say_json({"name": name, **(told if isinstance(told, dict) else {})})
        return 0
    _draw(name, reply)
    return 0


def _draw(name: str, reply: ShowReply) -> None:
    from rich.table import Table

    from ecs_localai.commands.tables import draw, text

    grid = Table(box=None, show_header=False, pad_edge=False, padding=(0, 3, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for title, value in _facts(name, reply):
        grid.add_row(text(title, "bold"), text(value))
    draw(text(name, "bold"), grid)
    for title, lines in _texts(name, reply):
        if lines:
            draw("", text(title, "bold"), *(text(f"  {line}") for line in lines))


def _texts(name: str, reply: ShowReply) -> Iterator[tuple[str, list[str]]]:
    """Titles and lines. The template is shortened: some are longer than a screen."""
    yield "Settings", reply.parameters.strip().splitlines()
    yield "System", reply.system.strip().splitlines()
    template = reply.template.strip()
    lines = template[:_MOST_CHARACTERS].splitlines()[:_MOST_LINES]
    if len("\n".join(lines)) < len(template):
        lines.append(f"… To see all of it: {_all_of(name)}")
    yield "Template", lines


def _licence(name: str, reply: ShowReply) -> str:
    """What it is called: most are longer than a screen."""
    lines = [line.strip() for line in reply.license.splitlines() if line.strip()]
    if not lines:
        return "None is named"
    return lines[0] if len(lines) == 1 else f"{lines[0]} … To see all of it: {_all_of(name)}"


def _all_of(name: str) -> str:
    return f"ecs-localai show {name} --json"


def _facts(name: str, reply: ShowReply) -> Iterator[tuple[str, str]]:
    """Titles and values; what the server does not tell is left out."""
    details = ModelDetails() if reply.details is UNSET else reply.details
    count = reply.parameter_count
    facts = (
        ("Architecture", reply.architecture or details.family),
        ("Parameters", details.parameter_size or (format_count(count) if count else "")),
        ("Quantization", details.quantization_level),
        ("Context length", _number(reply.context_length)),
        ("Embedding length", _number(reply.embedding_length)),
        ("Capabilities", ", ".join(reply.capabilities)),
        ("Runs at", reply.remote_host),
        ("Needs Ollama", reply.requires),
        ("Licence", _licence(name, reply)),
    )
    for title, value in facts:
        if value and value != "unknown":
            yield title, value


def _number(count: int | None) -> str:
    return f"{count:,}" if count else ""
