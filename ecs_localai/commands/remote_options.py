"""``--remote`` and ``--attach``: a running program that lets others look inside, and looking into one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ecs_localai.runtime import App

RemoteOption = Annotated[
    bool, typer.Option("--remote", help="Let programs on this machine look inside; inspect --attach does.")
]
AttachOption = Annotated[bool, typer.Option("--attach", help="Look into a program that runs with --remote.")]
RemotePortOption = Annotated[
    int | None,
    typer.Option(
        "--remote-port",
        metavar="PORT",
        min=0,
        max=65_535,
        help="On 127.0.0.1, instead of 15702. Goes without --remote or --attach, too.",
        show_default=False,
    ),
]


def chosen_port(wanted: bool, port: int | None) -> int | None:
    """The endpoint's port; None where neither the option nor a port was given."""
    if port is not None or not wanted:
        return port
    from ecs_localai.remote import DEFAULT_PORT

    return DEFAULT_PORT


def add_remote(app: App, port: int | None) -> None:
    """Let others look into the app on this port, and say where on standard error; nothing for None.

    A port that cannot be had is told as every failure in the world is.
    """
    if port is None:
        return
    from ecs_localai.commands.terminal import warn
    from ecs_localai.remote import RemoteOpened, RemotePlugin
    from ecs_localai.runtime import Last

    app.add_plugins(RemotePlugin(port))
    opened = app.events(RemoteOpened).reader()

    def say_where() -> None:
        for one in opened.read():
            warn(f"Programs on this machine can look inside at {one.url}")

    app.add_systems(Last, say_where)
