"""Settings in words: the names of the sections, and a line for each thing that is set in one."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from enum import Enum

import msgspec

from ecs_localai.components.browser import ContextRetentionPolicy
from ecs_localai.components.panel import WindowPlace

TITLES = {
    "hosts": "Hosts",
    "features": "Features switched by hand",
    "panel": "Panel",
    "privacy": "Browser privacy",
    "context_extraction": "Reading pages",
    "experimental_preferences": "Experimental features",
    "rollout": "Roll-out of features",
    "downloads": "Downloads",
}
"""What people call the sections."""
_NOT_TOLD = frozenset({"overrides", "seed"})


def facts(value: object) -> dict[str, str]:
    """What is set in a section, by the setting's name in words."""
    names: tuple[str, ...] = ()
    if isinstance(value, msgspec.Struct):
        names = value.__struct_fields__
    elif dataclasses.is_dataclass(value):
        names = tuple(field.name for field in dataclasses.fields(value))
    return {name.replace("_", " "): value_text(getattr(value, name)) for name in names if name not in _NOT_TOLD}


def value_text(value: object) -> str:
    """One value as people read it."""
    if value is None:
        return "as usual"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g} s"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(value_text, value)) or "none"
    if isinstance(value, ContextRetentionPolicy):
        return value.kind.value if value.amount is None else f"{value.amount} {value.kind.value.lower()}"
    if isinstance(value, WindowPlace):
        place = "" if value.x is None else f" at {value.x}, {value.y}"
        return f"{value.width} × {value.height}{place}{', maximised' if value.maximized else ''}"
    return str(value)
