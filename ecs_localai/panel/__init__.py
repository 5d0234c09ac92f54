"""The panel: a window on the world, drawn with pygame-ce.

`Panel` draws a `components.panel_view.PanelView` on any surface and turns input into the intents of
`components.panel_intents`; `PanelWindow` puts it on a screen; `render` draws it without one. The names are looked up
when they are asked for, because pygame takes a while to import.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

# pygame greets on standard output when it is imported, which would break programs that print data there.
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

if TYPE_CHECKING:
    from ecs_localai.panel.panel import Panel
    from ecs_localai.panel.screenshot import render, save_png
    from ecs_localai.panel.window import NoDisplay, PanelWindow
else:
    from ecs_localai._lazy import lazy_names

    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "panel": ("Panel",),
            "screenshot": ("render", "save_png"),
            "window": ("NoDisplay", "PanelWindow"),
        },
    )

__all__ = ["NoDisplay", "Panel", "PanelWindow", "render", "save_png"]
