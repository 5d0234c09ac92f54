"""``ecs-localai doctor``: what works here, what does not, and what to do."""

from __future__ import annotations

from ecs_localai.commands.doctor_checks import Check, Verdict, all_checks
from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import say_json

_STYLES = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "bold red"}


def examine(target: Target, as_json: bool) -> int:
    """Print each check's result; returns the exit code.

    Raises:
        CommandFailed: something that cannot be done without does not work.
    """
    failed = []
    for check in all_checks(target):
        if as_json:
            say_json(check)
        else:
            _print(check)
        if check.status is Verdict.FAIL:
            failed.append(check.check)
    if failed:
        raise CommandFailed(f"Not everything works: see {' and '.join(failed)} above.")
    return 0


def _print(check: Check) -> None:
    from ecs_localai.commands.tables import draw, text

    line = text(f"{check.status.value:4} ", _STYLES[check.status])
    line.append_text(text(f"{check.check:<12} ", "bold"))
    line.append_text(text(check.detail))
    draw(line, *(text(f"     {'':13}→ {step}") for step in check.advice))
