"""Toggles: the switches of the experimental features, as components."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

import msgspec

from ecs_localai.components.drawing import Color, Vec2
from ecs_localai.runtime.entity import Entity


class ToggleLayout(StrEnum):
    """How the toggles of a group are arranged."""

    VERTICAL = "Vertical"
    HORIZONTAL = "Horizontal"
    GRID = "Grid"


class InteractionState(StrEnum):
    """What a person is doing with a toggle."""

    NONE = "None"
    HOVERED = "Hovered"
    FOCUSED = "Focused"
    PRESSED = "Pressed"
    DISABLED = "Disabled"


class ToggleStyle(msgspec.Struct, frozen=True):
    """How a toggle looks. Raises `ValueError` for a size or a duration that cannot be."""

    active_color: Color = Color.from_hex("#007AFF")
    inactive_color: Color = Color.from_hex("#8E8E93")
    toggle_size: Vec2 = Vec2(44, 26)
    """Width and height in logical pixels."""
    animation_duration: timedelta = timedelta(milliseconds=160)
    """From one side to the other; zero for no animation."""

    def __post_init__(self) -> None:
        if not (self.toggle_size.x > 0 and self.toggle_size.y > 0):
            raise ValueError("A toggle's width and height must be larger than zero.")
        if self.animation_duration < timedelta(0):
            raise ValueError("A toggle's animation must last zero seconds or longer.")


@dataclass(slots=True)
class FeatureToggle:
    """The switch of one feature: a component on an entity of its own."""

    feature_id: str
    display_name: str
    current_state: bool
    toggle_style: ToggleStyle = field(default_factory=ToggleStyle)
    info_button: Entity | None = None
    """The entity of its info button, where it has one."""
    interaction_state: InteractionState = InteractionState.NONE


@dataclass(slots=True)
class FeatureToggleGroup:
    """Toggles under a common heading."""

    toggles: list[Entity] = field(default_factory=list)
    """The entities with a `FeatureToggle`, in the order shown."""
    group_title: str = ""
    group_description: str = ""
    layout: ToggleLayout = ToggleLayout.VERTICAL
