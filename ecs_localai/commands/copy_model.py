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

if TYPE_CHECKING:
    from ecs_localai.ollama.client import OllamaClient
    from ecs_localai.ollama.wire import TagEntry


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
    for host, answer in zip(hosts, ask_all(hosts, lambda client: copy_on(client, source, wanted)), strict=True):
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


async def copy_on(
    client: OllamaClient, source: ModelName, wanted: ModelName, action: ModelAction = ModelAction.COPY
) -> tuple[str, str] | str:
    """Give a model another name, and see that it has got it: both names as the host spells them.

    A sentence where that cannot be. Ollama itself would overwrite a model of that name, in whatever case, without a
    word (0.9.3).

    Raises:
        OllamaError: the host does not answer, or refuses.
    """
    if source.key == wanted.key:
        return f"{source.short} and {wanted.short} are one name: upper and lower case are the same to Ollama."
    installed = await installed_on(client)
    entry = installed.get(source.key)
    if entry is None:
        return f"There is no model {source.short} here; `ecs-localai list` shows what is installed."
    taken = installed.get(wanted.key)
    if taken is not None:
        return f"There is a model {taken.name} already. To replace it, remove it first: ecs-localai remove {taken.name}"
    await client.copy(entry.name, wanted.short)
    made = (await installed_on(client)).get(wanted.key)
    if made is None or made.digest != entry.digest:
        text = "the server said that it did it, but does not list it. Try again."
        return event_text(ModelActionFailed(action, entry.name, text, client.base_url)) or text
    return entry.name, made.name


async def installed_on(client: OllamaClient) -> dict[str, TagEntry]:
    """The installed models, by what names are compared by.

    Raises:
        OllamaError: the host does not answer.
    """
    return {parse_model_name(entry.name).key: entry for entry in await client.tags()}


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
