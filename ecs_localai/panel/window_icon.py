"""The window's icon: white boxes on the accent colour."""

from __future__ import annotations

import pygame

from ecs_localai.panel.icons import Icons
from ecs_localai.panel.masks import Shapes
from ecs_localai.panel.theme import LIGHT, WHITE


def window_icon(size: int) -> pygame.Surface:
    """A square icon of ``size`` pixels with transparent corners."""
    icon = pygame.Surface((size, size), pygame.SRCALPHA, 32)
    Shapes().rounded(icon, pygame.Rect(0, 0, size, size), size * 0.22, LIGHT.primary)
    inner = size * 5 // 8
    icon.blit(Icons().surface("boxes", inner, WHITE), ((size - inner) // 2, (size - inner) // 2))
    return icon
