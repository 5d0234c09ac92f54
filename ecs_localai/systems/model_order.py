"""The order of the models on the panel."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import TypeVar

from ecs_localai.components.models import InstalledModel
from ecs_localai.components.panel import ModelSort, PanelSettings

T = TypeVar("T")
Rank = TypeVar("Rank", int, datetime, tuple[bool, float])


def in_order(
    items: Iterable[T],
    settings: PanelSettings,
    copies: Callable[[T], Collection[InstalledModel]],
    loaded: Callable[[T], bool],
) -> list[T]:
    """The items as the person wants them; equal ones by name.

    An item is a model with its copies on the hosts: the largest, the newest and the one used last count. One that is
    loaded counts as being used now. What is not known comes last, whichever way round.
    """
    named = sorted(items, key=lambda item: _name(copies(item)))
    by = settings.model_sort
    if by is ModelSort.NAME:
        return named[::-1] if settings.sort_reversed else named
    if by is ModelSort.SIZE:
        return _ranked(named, lambda item: largest(copies(item)), settings)
    if by is ModelSort.MODIFIED:
        return _ranked(named, lambda item: newest(copies(item)), settings)

    def use(item: T) -> tuple[bool, float] | None:
        if loaded(item):
            return True, 0.0
        moment = last_use(copies(item))
        return None if moment is None else (False, moment.timestamp())

    return _ranked(named, use, settings)


def largest(copies: Collection[InstalledModel]) -> int | None:
    """The size of the largest copy; None where no host tells, or the model runs elsewhere."""
    return max((model.size for model in copies if model.size is not None and not model.is_cloud), default=None)


def newest(copies: Collection[InstalledModel]) -> datetime | None:
    """When the newest copy was installed or updated."""
    return max((model.install_date for model in copies), default=None)


def last_use(copies: Collection[InstalledModel]) -> datetime | None:
    """When one of the copies was used last; None where none was while we looked."""
    return max((model.last_used for model in copies if model.last_used is not None), default=None)


def _name(copies: Collection[InstalledModel]) -> str:
    return min((model.name.casefold() for model in copies), default="")


def _ranked(items: list[T], rank: Callable[[T], Rank | None], settings: PanelSettings) -> list[T]:
    """The highest first, or the lowest; those without a rank at the end. Keeps the order of equal ones."""
    ranked = [(rank(item), item) for item in items]
    known = [(its, item) for its, item in ranked if its is not None]
    known.sort(key=lambda pair: pair[0], reverse=not settings.sort_reversed)  # stable, also when reversed
    return [item for _, item in known] + [item for its, item in ranked if its is None]
