"""The order of the models on the panel."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from operator import itemgetter
from typing import TypeVar

from ecs_localai.components.models import InstalledModel
from ecs_localai.components.panel import ModelSort, PanelSettings
from ecs_localai.systems.stepwise import Steps, every, finish

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
    return finish(in_order_in_steps(items, settings, copies, loaded))


def in_order_in_steps(
    items: Iterable[T],
    settings: PanelSettings,
    copies: Callable[[T], Collection[InstalledModel]],
    loaded: Callable[[T], bool],
) -> Steps[list[T]]:
    """Like `in_order`, in steps."""
    unsorted = list(items)
    names: list[str] = []
    for ends, item in every(unsorted):
        names.append(_name(copies(item)))
        if ends:
            yield
    named = [unsorted[place] for place in sorted(range(len(unsorted)), key=names.__getitem__)]
    by = settings.model_sort
    if by is ModelSort.NAME:
        return named[::-1] if settings.sort_reversed else named
    if by is ModelSort.SIZE:
        return (yield from _ranked(named, lambda item: largest(copies(item)), settings))
    if by is ModelSort.MODIFIED:
        return (yield from _ranked(named, lambda item: newest(copies(item)), settings))

    def use(item: T) -> tuple[bool, float] | None:
        if loaded(item):
            return True, 0.0
        moment = last_use(copies(item))
        return None if moment is None else (False, moment.timestamp())

    return (yield from _ranked(named, use, settings))


def largest(copies: Collection[InstalledModel]) -> int | None:
    """The size of the largest copy; None where no host tells, or the model runs elsewhere."""
    return max([model.size for model in copies if model.size is not None and not model.is_cloud], default=None)


def newest(copies: Collection[InstalledModel]) -> datetime | None:
    """When the newest copy was installed or updated."""
    return max([model.install_date for model in copies], default=None)


def last_use(copies: Collection[InstalledModel]) -> datetime | None:
    """When one of the copies was used last; None where none was while we looked."""
    return max([model.last_used for model in copies if model.last_used is not None], default=None)


def _name(copies: Collection[InstalledModel]) -> str:
    return min([model.name.casefold() for model in copies], default="")


def _ranked(items: list[T], rank: Callable[[T], Rank | None], settings: PanelSettings) -> Steps[list[T]]:
    """The highest first, or the lowest; those without a rank at the end. Keeps the order of equal ones."""
    known: list[tuple[Rank, T]] = []
    unknown: list[T] = []
    for ends, item in every(items):
        its = rank(item)
        if its is None:
            unknown.append(item)
        else:
            known.append((its, item))
        if ends:
            yield
    known.sort(key=itemgetter(0), reverse=not settings.sort_reversed)  # stable, also when reversed
    return [item for _, item in known] + unknown
