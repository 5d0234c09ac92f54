"""State that belongs to one system (Bevy: ``Local``)."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Local(Generic[T]):
    """``count: Local[int]`` keeps ``count.value`` for this system alone (Bevy: ``Local``).

    It starts as ``int()``; ``Local[Path | None]`` starts as None. Bevy's is the value itself (``*count += 1``); a name
    in Python cannot be set for somebody else, so here it is an attribute.
    """

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value
