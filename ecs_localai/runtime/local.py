"""State that belongs to one system (Bevy: ``Local``)."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Local(Generic[T]):
    """``count: Local[int]`` keeps ``count.value`` for this system alone; it starts as ``int()``."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value
