"""Testing programs that use ecs-localai: a pytest plugin, and what it is made of.

pytest loads the plugin by itself. Names are looked for when they are first asked for, so that this costs a test run
that has nothing to do with us next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecs_localai.testing.leaks import Holdings as Holdings
    from ecs_localai.testing.leaks import left_behind as left_behind
    from ecs_localai.testing.plugin import CaptureEvents as CaptureEvents
    from ecs_localai.testing.plugin import RunUntil as RunUntil
    from ecs_localai.testing.stepped_app import ConditionNotMet as ConditionNotMet
    from ecs_localai.testing.stepped_app import SteppedApp as SteppedApp
    from ecs_localai.testing.stepped_app import run_until as run_until
else:
    from ecs_localai._lazy import lazy_names

    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "leaks": ("Holdings", "left_behind"),
            "plugin": ("CaptureEvents", "RunUntil"),
            "stepped_app": ("ConditionNotMet", "SteppedApp", "run_until"),
        },
    )

__all__ = [
    "CaptureEvents",
    "ConditionNotMet",
    "Holdings",
    "RunUntil",
    "SteppedApp",
    "left_behind",
    "run_until",
]
