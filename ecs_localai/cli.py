"""The entry point of the command ``ecs-localai``; its subcommands and options are in `commands.command_line`.

Exit codes: 0 done, 1 failed or interrupted, with a line on standard error, 2 wrong usage.
"""

from __future__ import annotations

import gc
import os
import signal
import sys

_TYPER_INTERRUPTED = 130
"""What Typer makes of a KeyboardInterrupt; no command of ours ends with it."""


def main() -> None:
    """The entry point of ``ecs-localai`` and ``python -m ecs_localai``."""
    gc.disable()  # until the work begins (`common_options.end`): what is imported is much, and no garbage
    try:
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            # As Ctrl-C, so that what was begun is closed; commands that run a world catch both in their own way.
            signal.signal(signal.SIGTERM, signal.default_int_handler)
        for stream in (sys.stdout, sys.stderr):
            # A terminal that cannot show a character gets a question mark instead of a failure.
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:
                reconfigure(errors="replace")
        # Here, not above: importing takes a moment in which Ctrl-C may come, too.
        from ecs_localai.commands.built_when_asked import command_of
        from ecs_localai.commands.command_line import app

        command = command_of(app)
        if os.environ.get("_ECS_LOCALAI_COMPLETE") == "complete_bash":  # as Typer's script for bash asks
            from ecs_localai.commands.bash_words import complete_whole_words

            complete_whole_words(os.environ, lambda: command(prog_name="ecs-localai"))
        else:
            command(prog_name="ecs-localai")
    except KeyboardInterrupt:
        _say_interrupted()
    except SystemExit as end:
        if end.code != _TYPER_INTERRUPTED:
            raise
        _say_interrupted()


def _say_interrupted() -> None:
    """Say so in one line and end with code 1.

    Raises:
        SystemExit: always.
    """
    exec("")  # CPython remembers a KeyboardInterrupt that left an exec(), as of dataclasses, and would end by SIGINT
    if sys.stderr is not None:
        sys.stderr.write("Error: Interrupted.\n")
    raise SystemExit(1) from None
