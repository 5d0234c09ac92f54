"""The command's subcommands, each built when it is asked for: a start of the command needs one of them.

Typer builds all of them at every start (0.29, ``typer/main.py``), which takes longer than to read the arguments: it
looks up the type of every parameter and makes an object of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from copy import copy
from functools import partial

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_command_from_info, get_command_name, get_group
from typer.models import CommandInfo

Built = TyperCommand | TyperGroup


def command_of(app: typer.Typer) -> TyperGroup:
    """The command that an app describes, as `typer.main.get_command` makes it but for when its subcommands are built.

    Of what `Typer.add_typer` may be given with an app, the name alone is heeded.

    Raises:
        TypeError: the app has no callback, so that it may be no group of subcommands.
    """
    group = get_command(_alone(app))
    if not isinstance(group, TyperGroup):
        raise TypeError("An app without a callback may be no group of subcommands.")
    return _with_subcommands(group, app)


class _Subcommands(MutableMapping[str, Built]):
    """The subcommands of a group by name, in the order in which Typer lists them."""

    def __init__(self, builders: dict[str, Callable[[], Built]]) -> None:
        self._builders = builders
        self._built: dict[str, Built] = {}

    def __getitem__(self, name: str) -> Built:
        if name not in self._built:
            self._built[name] = self._builders[name]()
        return self._built[name]

    def __setitem__(self, name: str, command: Built) -> None:
        self._builders[name] = lambda: command
        self._built[name] = command

    def __delitem__(self, name: str) -> None:
        del self._builders[name]
        self._built.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._builders)

    def __len__(self) -> int:
        return len(self._builders)


def _alone(app: typer.Typer) -> typer.Typer:
    """The app without its subcommands."""
    alone = copy(app)
    alone.registered_commands, alone.registered_groups = [], []
    return alone


def _with_subcommands(group: TyperGroup, app: typer.Typer) -> TyperGroup:
    # Typer may bring a click of its own, whose commands have no public name but those of these subclasses.
    group.commands = _Subcommands(_builders(app))  # type: ignore[assignment]  # see above
    return group


def _builders(app: typer.Typer) -> dict[str, Callable[[], Built]]:
    found: dict[str, Callable[[], Built]] = {}
    for command in app.registered_commands:
        if command.callback is not None:
            found[command.name or get_command_name(command.callback.__name__)] = partial(_command, app, command)
    for group in app.registered_groups:
        if group.typer_instance is None:
            continue
        if isinstance(group.name, str):
            found[group.name] = partial(_group, group.typer_instance, group.name)
        else:  # without a name its subcommands are those of the app that it was added to
            found |= _builders(group.typer_instance)
    return found


def _command(app: typer.Typer, info: CommandInfo) -> TyperCommand:
    markup, short = app.rich_markup_mode, app.pretty_exceptions_short
    command = get_command_from_info(info, pretty_exceptions_short=short, rich_markup_mode=markup)
    if not isinstance(command, TyperCommand):
        raise TypeError(f"{info.name} is no command of Typer's.")
    return command


def _group(app: typer.Typer, name: str) -> TyperGroup:
    group = _with_subcommands(get_group(_alone(app)), app)
    group.name = name
    return group
