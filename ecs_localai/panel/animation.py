"""Movement that takes a moment: values that glide to where they belong."""

from __future__ import annotations

from dataclasses import dataclass


def smoothstep(share: float) -> float:
    """0 to 1 with a gentle start and end."""
    share = min(max(share, 0.0), 1.0)
    return share * share * (3 - 2 * share)


@dataclass(slots=True)
class _Glide:
    start: float
    target: float
    began: float
    duration: float

    def at(self, now: float) -> float:
        if self.duration <= 0:
            return self.target
        return self.start + (self.target - self.start) * smoothstep((now - self.began) / self.duration)

    def over(self, now: float) -> bool:
        return now - self.began >= self.duration


class Glides:
    """Values by name that glide to a new target when it changes; the first target is taken at once."""

    __slots__ = ("_glides", "_still")

    def __init__(self, *, still: bool = False) -> None:
        self._glides: dict[str, _Glide] = {}
        self._still = still
        """Whether nothing moves: reduced motion."""

    def value(self, name: str, target: float, now: float, duration: float) -> float:
        """Where a value is at ``now`` (seconds), on its way to ``target``."""
        glide = self._glides.get(name)
        if glide is None:
            self._glides[name] = _Glide(target, target, now, 0.0)
            return target
        if glide.target != target:
            glide = _Glide(glide.at(now), target, now, 0.0 if self._still else duration)
            self._glides[name] = glide
        return glide.at(now)

    def moving(self, now: float) -> bool:
        """Whether any value is still on its way."""
        return any(not glide.over(now) for glide in self._glides.values())
