"""Run conditions made of others (Bevy: ``not``, ``and``, ``or`` in ``bevy_ecs/src/schedule/condition.rs``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ecs_localai.runtime.sets import SystemFunction, check_condition


class Combined:
    """A condition of conditions. What each part asks for is found for it alone, as for any other system."""

    def __init__(self, name: str, parts: tuple[SystemFunction, ...], combine: Callable[[Iterable[bool]], bool]) -> None:
        for part in parts:
            check_condition(part)
        shown = ", ".join(getattr(part, "__qualname__", None) or repr(part) for part in parts)
        self.__qualname__ = f"{name}({shown})"
        self.parts = parts
        self._combine = combine

    def __call__(self, *parts: Callable[[], bool]) -> bool:
        """Ask the parts in their order, until the answer is known. A part that raises makes this raise."""
        return self._combine(part() for part in parts)


def not_(condition: SystemFunction) -> Combined:
    """Holds when the condition does not: ``run_if(not_(in_state(GameState.MENU)), draw)`` (Bevy: ``not``)."""
    return Combined("not_", (condition,), lambda held: not any(held))


def and_(*conditions: SystemFunction) -> Combined:
    """Holds when all of them hold (Bevy: ``a.and(b)``). None after the first that does not is asked.

    So ``and_(resource_exists(Clock), is_late)`` may ask for ``Res[Clock]`` in its second part.
    """
    return Combined("and_", conditions, all)


def or_(*conditions: SystemFunction) -> Combined:
    """Holds when one of them holds (Bevy: ``a.or(b)``). None after the first that does is asked."""
    return Combined("or_", conditions, any)
