"""Pictures of the panel, drawn without a display."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from ecs_localai.panel.panel import Panel

if TYPE_CHECKING:
    from pathlib import Path

    from ecs_localai.components.panel_view import PanelView

DEFAULT_SIZE = (900, 1100)
_TALLEST = 30_000


class PictureError(Exception):
    """A picture could not be drawn or saved."""


def render(
    view: PanelView,
    *,
    theme: str | None = "light",
    scale: float = 1.0,
    size: tuple[int, int] = DEFAULT_SIZE,
    font_scale: float = 1.0,
    full_page: bool = False,
) -> pygame.Surface:
    """The panel showing ``view``, as it would look in a window of ``size`` logical pixels.

    ``theme`` None is the one that the person chose. With ``full_page`` the picture is as high as the page, so that
    nothing is scrolled away.

    Raises:
        AssetsMissing: the fonts have not been built.
        PictureError: the picture would be larger than can be drawn.
        ValueError: an unknown theme, a scale out of range, or a size that isn't positive.
    """
    if size[0] <= 0 or size[1] <= 0:
        raise ValueError(f"A picture needs a width and height above zero, not {size[0]} by {size[1]}.")
    panel = Panel(
        size, theme=theme, scale=scale, own_scale=False, font_scale=font_scale, reduced_motion=True, clock=lambda: 0.0
    )
    panel.show(view)
    width, height = round(size[0] * scale), round(size[1] * scale)
    if full_page:
        height = panel.page_height
    if width > _TALLEST or height > _TALLEST:
        raise PictureError(
            f"A picture of {width} by {height} pixels is too large (at most {_TALLEST} each way): "
            "use a smaller scale or size."
        )
    surface = pygame.Surface((width, height), 0, 32)
    panel.paint(surface)
    return surface


def save_png(surface: pygame.Surface, path: Path) -> None:
    """Write a picture as PNG.

    Raises:
        PictureError: the file cannot be written.
    """
    try:
        with path.open("wb") as file:
            pygame.image.save(surface, file, "picture.png")
    except (OSError, pygame.error) as error:
        raise PictureError(f"The picture could not be saved to {path}: {error}.") from error
