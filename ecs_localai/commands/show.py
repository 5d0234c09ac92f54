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


def show_model(target: Target, model: str, as_json: bool) -> int:
    """Print what the server tells of a model; ``--json`` prints all of it, in Ollama's own words.

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
    for title, value in _facts(reply):
        grid.add_row(text(title, "bold"), text(value))
    draw(text(name, "bold"), grid)
    for title, long_text in _texts(reply):
        if long_text.strip():
            draw("", text(title, "bold"), *(text(f"  {line}") for line in long_text.strip().splitlines()))


def _texts(reply: ShowReply) -> tuple[tuple[str, str], ...]:
    return ("Settings", reply.parameters), ("System", reply.system), ("Template", reply.template)


def _facts(reply: ShowReply) -> Iterator[tuple[str, str]]:
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
        ("Licence", next((line.strip() for line in reply.license.splitlines() if line.strip()), "None is named")),
    )
    for title, value in facts:
        if value and value != "unknown":
            yield title, value


def _number(count: int | None) -> str:
    return f"{count:,}" if count else ""
