"""The panel: a window on the world, drawn with pygame-ce.

`Panel` draws a `components.panel_view.PanelView` on any surface and turns input into the intents of
`components.panel_intents`; `PanelWindow` puts it on a screen; `render` draws it without one. The names are looked up
when they are asked for, because pygame takes a while to import.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

# pygame greets on standard output when it is imported, which would break programs that print data there.
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

__all__ = ["NoDisplay", "Panel", "PanelWindow", "render", "save_png"]

if TYPE_CHECKING:
    from ecs_localai.panel.panel import Panel
    from ecs_localai.panel.screenshot import render, save_png
    from ecs_localai.panel.window import NoDisplay, PanelWindow

else:
    # Only when it runs: for a type checker a module with __getattr__ would have every name.
    _HOMES = {"Panel": "panel", "render": "screenshot", "save_png": "screenshot"}
    _HOMES |= {"NoDisplay": "window", "PanelWindow": "window"}

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
