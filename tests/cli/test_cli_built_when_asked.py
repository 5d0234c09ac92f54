"""Subcommands that are built when they are asked for are those that Typer would have built at the start."""

from __future__ import annotations

from collections.abc import Iterator

import typer
from typer.core import TyperCommand, TyperGroup

from ecs_localai.commands.built_when_asked import command_of
from ecs_localai.commands.command_line import app

Described = tuple[object, ...]


def all_of(name: str, command: object) -> Iterator[tuple[str, Described]]:
    """A command and all below it: what it is called, what it says of itself, and what may be given to it."""
    assert isinstance(command, TyperCommand | TyperGroup)
    parameters = [
        (type(one), one.name, one.opts, one.secondary_opts, one.nargs, one.required, one.default)
        for one in command.params
    ]
    yield name, (type(command), command.name, command.help, command.context_settings, command.hidden, parameters)
    if isinstance(command, TyperGroup):
        assert command.invoke_without_command == (command.name != "settings" and command.name != "data")
        for inner, subcommand in command.commands.items():
            yield from all_of(f"{name} {inner}", subcommand)


def test_they_are_those_of_typer_in_the_same_order() -> None:
    ours = list(all_of("ecs-localai", command_of(app)))
    assert len(ours) > 40
    assert ours == list(all_of("ecs-localai", typer.main.get_command(app)))


def test_only_what_is_asked_for_is_built() -> None:
    built = []

    class Counted(TyperCommand):
        def __init__(self, name: str | None, **parts: object) -> None:
            built.append(name)
            super().__init__(name, **parts)  # type: ignore[arg-type]  # as they are given

    outer, inner = typer.Typer(), typer.Typer()
    outer.callback()(lambda: None)
    for name in ("one", "two"):
        outer.command(name, cls=Counted)(lambda: None)
        inner.command(f"inner-{name}", cls=Counted)(lambda: None)
    outer.add_typer(inner, name="inner")
    command = command_of(outer)
    assert list(command.commands) == ["one", "two", "inner"]
    assert built == []
    command.main(["two"], standalone_mode=False)
    assert built == ["two"]
    command.main(["inner", "inner-one"], standalone_mode=False)
    command.main(["two"], standalone_mode=False)
    assert built == ["two", "inner-one"]
