"""``ecs-localai copy``: another name for a model. Both share what is on the disk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ecs_localai.commands.asking import ask_all
from ecs_localai.commands.event_text import event_json, event_text
from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import say, write_bytes
from ecs_localai.components.events import ModelAction, ModelActionFailed, ModelCopied
from ecs_localai.ollama.errors import OllamaError
from ecs_localai.ollama.names import ModelName, parse_model_name
from ecs_localai.systems.model_work import BothThere, CopyNotListed, NameTaken, NotInstalled, copy_on, rename_on

if TYPE_CHECKING:
    from ecs_localai.ollama.client import OllamaClient

Answer = tuple[str, str] | str
"""A model's name and its new one, as a host spells them; or a sentence that says why it has no other name."""


def copy_model(target: Target, model: str, new_name: str, as_json: bool, on: Sequence[str] = ()) -> int:
    """Give a model another name on the hosts that `on` names, else on the chosen one; returns the exit code.

    Raises:
        CommandFailed: the model is not there, the new name is taken, or a host does not answer.
        OllamaError: a name is none, or the only host does not answer.
    """
    source, wanted = parse_model_name(model), parse_model_name(new_name)
    book = target.book()
    hosts = book.require_all(on) if on else [book.chosen]
    several = len(hosts) > 1
    troubles: list[str] = []
    for host, answer in zip(
        hosts, ask_all(hosts, lambda client: another_name(client, source, wanted, move=False)), strict=True
    ):
        label = host.name if several else ""
        if isinstance(answer, tuple):
            tell_copied(ModelCopied(*answer, False, host.config.base_url), label, as_json)
            continue
        if isinstance(answer, OllamaError) and not several:
            raise answer
        troubles.append(with_label(answer.message if isinstance(answer, OllamaError) else answer, label))
    if troubles:
        raise CommandFailed(*troubles)
    return 0


async def another_name(client: OllamaClient, source: ModelName, wanted: ModelName, *, move: bool) -> Answer:
    """Give a model another name, as well or instead: both names as the host spells them, or a sentence why not.

    Raises:
        OllamaError: the host does not answer, or refuses.
    """
    if source.key == wanted.key:
        return f"{source.short} and {wanted.short} are one name: upper and lower case are the same to Ollama."
    try:
        return await (rename_on if move else copy_on)(client, source.short, wanted.short)
    except NotInstalled:
        return f"There is no model {source.short} here; `ecs-localai list` shows what is installed."
    except NameTaken as error:
        return (
            f"There is a model {error.taken} already. To replace it, remove it first: ecs-localai remove {error.taken}"
        )
    except CopyNotListed as error:
        action = ModelAction.RENAME if move else ModelAction.COPY
        text = "the server said that it did it, but does not list it. Try again."
        return event_text(ModelActionFailed(action, error.name, text, client.base_url)) or text
    except BothThere as error:
        return (
            f"Both {error.former} and {error.name} are there now, because {error.former} could not be deleted: "
            f"{error.failure.message} When that is mended: ecs-localai remove {error.former}"
        )


def tell_copied(event: ModelCopied, label: str, as_json: bool) -> None:
    """Print that a model was copied or renamed.

    Raises:
        OutputClosed: nobody reads standard output any more.
    """
    if as_json:
        write_bytes(event_json(event) + b"\n")
    else:
        say(event_text(event, label) or "")


def with_label(sentence: str, label: str) -> str:
    """The sentence, with the host that it is about where there are several."""
    return f"{label}: {sentence}" if label else sentence
