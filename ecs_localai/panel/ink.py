"""Everything a widget draws with: theme, sizes, text, icons, shapes. One for each look of a panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_localai.panel.icons import Icons
from ecs_localai.panel.masks import Shapes
from ecs_localai.panel.surface_cache import SurfaceCache
from ecs_localai.panel.text import TextEngine

if TYPE_CHECKING:
    from ecs_localai.panel.metrics import Metrics
    from ecs_localai.panel.theme import Theme


_PICTURE_BYTES = 16 * 1024 * 1024


class Ink:
    """The drawing tools of one theme at one scale. Raises `AssetsMissing` when the fonts aren't built."""

    __slots__ = ("icons", "metrics", "pictures", "shapes", "text", "theme")

    def __init__(self, theme: Theme, metrics: Metrics) -> None:
        self.theme = theme
        self.metrics = metrics
        self.text = TextEngine(metrics, theme.text_gamma)
        self.icons = Icons()
        self.shapes = Shapes()
        self.pictures = SurfaceCache(_PICTURE_BYTES)
        """What widgets draw themselves: charts, toggles, the fade."""
