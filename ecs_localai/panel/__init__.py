"""The panel: a window on the world, drawn with pygame-ce.

`panel.Panel` draws a `components.panel_view.PanelView` on any surface and turns input into the intents of
`components.panel_intents`; `window.PanelWindow` puts it on a screen; `screenshot` draws it without one.
"""

from __future__ import annotations

import os

# pygame greets on standard output when it is imported, which would break programs that print data there.
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
