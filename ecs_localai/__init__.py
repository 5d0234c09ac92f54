"""ecs-localai: a Bevy-style ECS runtime on esper, and the Local AI models panel built on it.

Everything public imports from here. A name is looked for in the packages when it is first asked for, so that
``import ecs_localai`` and the command's ``--help`` load next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ecs_localai._version import __version__ as __version__

if TYPE_CHECKING:
    from ecs_localai.components import *  # noqa: F403 - each package lists its public names in __all__
    from ecs_localai.panel import Panel as Panel
    from ecs_localai.panel.plugin import PanelPlugin as PanelPlugin
    from ecs_localai.remote import *  # noqa: F403 - each package lists its public names in __all__
    from ecs_localai.runtime import *  # noqa: F403 - as above
    from ecs_localai.systems import *  # noqa: F403 - as above

else:
    # Only when it runs: for a type checker a module with __getattr__ would have every name.
    _HOMES = ("runtime", "components", "systems", "panel.plugin", "remote")  # what is quick to import comes first

    def __getattr__(name: str) -> object:
        if name == "__all__":
            return __dir__()
        if name == "Panel":  # by itself: only this one needs pygame
            panel: object = import_module(f"{__name__}.panel").Panel
            globals()[name] = panel
            return panel
        if not name.startswith("_"):
            for home in _HOMES:
                module = import_module(f"{__name__}.{home}")
                if name in module.__all__:
                    value: object = getattr(module, name)
                    globals()[name] = value
                    return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({"__version__", "Panel"}.union(*(import_module(f"{__name__}.{home}").__all__ for home in _HOMES)))
