"""Testing programs that use ecs-localai: a pytest plugin, and what it is made of.

pytest loads the plugin by itself. Names are looked for when they are first asked for, so that this costs a test run
that has nothing to do with us next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecs_localai.testing.leaks import Holdings as Holdings
    from ecs_localai.testing.leaks import left_behind as left_behind
    from ecs_localai.testing.stepped_app import ConditionNotMet as ConditionNotMet
    from ecs_localai.testing.stepped_app import SteppedApp as SteppedApp
    from ecs_localai.testing.stepped_app import run_until as run_until
else:
    _HOMES = {
        "ConditionNotMet": "stepped_app",
        "Holdings": "leaks",
        "SteppedApp": "stepped_app",
        "left_behind": "leaks",
        "run_until": "stepped_app",
    }
    __all__ = list(_HOMES)

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
