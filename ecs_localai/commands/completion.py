"""What the shell offers for a name that is being typed.

A shell shows whatever a completion prints, errors too, so what is wrong with a folder or a host offers nothing.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from ecs_localai.commands.target import Target
    from ecs_localai.ollama.client import OllamaClient

PATIENCE = 2.0
"""Seconds that a host is given to answer: somebody has pressed a key."""


def complete_known_model(context: typer.Context, incomplete: str) -> list[str]:
    """Models that were used or installed before, or that registries told of: what is kept, without asking anybody."""
    return _offer(incomplete, lambda: _known_models(_target_of(context)))


def complete_installed_model(context: typer.Context, incomplete: str) -> list[str]:
    """The models of the hosts that the command is about, which are asked."""
    on, everywhere = context.params.get("on"), context.params.get("everywhere")
    hosts = [str(one) for one in on] if isinstance(on, list | tuple) else []
    return _offer(incomplete, lambda: _installed_models(_target_of(context), hosts, everywhere is True))


def complete_queued_model(context: typer.Context, incomplete: str) -> list[str]:
    """The models in the queue."""
    return _offer(incomplete, lambda: _queued_models(_target_of(context)))


def complete_host(context: typer.Context, incomplete: str) -> list[str]:
    """The hosts of the list, by name."""
    return _offer(incomplete, lambda: [host.name for host in _target_of(context).book().saved])


def _offer(incomplete: str, names: Callable[[], Iterable[str]]) -> list[str]:
    from ecs_localai.commands.failure import CommandFailed
    from ecs_localai.ollama.errors import OllamaError

    try:
        with redirect_stderr(io.StringIO()):
            found = set(names())
    except (CommandFailed, OllamaError, OSError):
        return []
    return sorted((name for name in found if name.startswith(incomplete)), key=str.lower)


def _target_of(context: typer.Context) -> Target:
    """The common options, before or after the command. Nothing of the command itself has run."""
    from ecs_localai.commands.target import Target

    target = Target()
    look: object = context
    while isinstance(look, typer.Context):
        host, data_dir = look.params.get("host"), look.params.get("data_dir")
        target = target.or_else(
            Target(host if isinstance(host, str) else None, data_dir if isinstance(data_dir, Path) else None)
        )
        look = look.parent
    return target


def _known_models(target: Target) -> list[str]:
    from ecs_localai.commands.kept_knowledge import kept_knowledge

    with kept_knowledge(target.folder()) as known:
        return [*known.registry, *known.before, *known.used]


def _installed_models(target: Target, on: list[str], everywhere: bool) -> list[str]:
    import asyncio  # as the others: every start of the command reads this file

    from ecs_localai.commands.asking import ask_all
    from ecs_localai.commands.load import hosts_for
    from ecs_localai.ollama.errors import OllamaError

    async def names(client: OllamaClient) -> list[str]:
        try:
            async with asyncio.timeout(PATIENCE):
                return [entry.name for entry in await client.tags(retry=False)]
        except TimeoutError:
            return []

    answers = ask_all(hosts_for(target, on, everywhere), names, once=True)
    return [name for answer in answers if not isinstance(answer, OllamaError) for name in answer]


def _queued_models(target: Target) -> list[str]:
    from ecs_localai.commands.kept_file import is_kept
    from ecs_localai.commands.queue_file import open_queue

    if not is_kept(target.folder()):
        return []
    with open_queue(target.folder()) as queue:
        return [entry.model_name for entry in queue.book.entries()]
