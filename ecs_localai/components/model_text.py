"""What a model says of itself in words, as ``/api/show`` has it, and as the panel shows it."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec


class ModelText(msgspec.Struct, frozen=True):
    """Licence, template, system prompt and parameters of an installed model. They never change for one digest."""

    license: str = ""
    """All of its licences, one below the other."""
    template: str = ""
    """How a conversation is written out for it, in Go's template language."""
    system: str = ""
    """What it is told before every conversation."""
    parameters: dict[str, str | int | float | bool | list[str]] = {}
    """For example ``{"temperature": 0.2, "stop": ["</s>"]}``."""
    error: str = ""
    """Why all of this is not known, one sentence."""


@dataclass(slots=True)
class ModelTextView:
    """A model's words as the panel shows them."""

    text: ModelText
    """What the form to make another model of it begins with."""
    details: dict[str, str] = field(default_factory=dict)
    """A line for each label, in their order."""
