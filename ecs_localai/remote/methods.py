"""Which methods there are, and what is said about those of Bevy's that there are not."""

from __future__ import annotations

from typing import Final

import msgspec

from ecs_localai.remote.components import GetComponents, ListComponents, WatchComponentNames, WatchComponents
from ecs_localai.remote.describing import DescribeApp, ListSchedules
from ecs_localai.remote.discovery import Discover
from ecs_localai.remote.errors import INVALID_PARAMS, METHOD_NOT_FOUND, RpcError
from ecs_localai.remote.events import WatchEvents
from ecs_localai.remote.queries import QueryWorld
from ecs_localai.remote.question import Question, WatchQuestion
from ecs_localai.remote.resources import GetResource, ListResources
from ecs_localai.remote.schemas import DescribeTypes

METHODS: Final[dict[str, type[Question] | type[WatchQuestion]]] = {
    "app.describe": DescribeApp,
    "app.events+watch": WatchEvents,
    "registry.schema": DescribeTypes,
    "rpc.discover": Discover,
    "schedule.list": ListSchedules,
    "world.get_components": GetComponents,
    "world.get_components+watch": WatchComponents,
    "world.get_resources": GetResource,
    "world.list_components": ListComponents,
    "world.list_components+watch": WatchComponentNames,
    "world.list_resources": ListResources,
    "world.query": QueryWorld,
}
"""All that is answered. Those that begin with ``app.`` are ours, the others are Bevy's (0.17 to 0.19)."""

MUTATING: Final = frozenset(
    {
        "world.spawn_entity",
        "world.despawn_entity",
        "world.insert_components",
        "world.remove_components",
        "world.mutate_components",
        "world.reparent_entities",
        "world.insert_resources",
        "world.remove_resources",
        "world.mutate_resources",
        "world.trigger_event",
        "world.write_message",
    }
)
"""Bevy's methods that change the world."""

_INSTEAD: Final = {
    "schedule.graph": "app.describe tells which systems run, in which order.",
    "world.observe+watch": "app.events+watch tells events as they are written.",
}
_SINCE_0_17: Final = {
    "bevy/query": "world.query",
    "bevy/get": "world.get_components",
    "bevy/list": "world.list_components",
    "bevy/get+watch": "world.get_components+watch",
    "bevy/list+watch": "world.list_components+watch",
    "bevy/get_resource": "world.get_resources",
    "bevy/list_resources": "world.list_resources",
    "bevy/registry/schema": "registry.schema",
}
"""What methods were called before Bevy 0.17."""


def find_question(method: str, params: dict[str, object] | None) -> Question | WatchQuestion:
    """The question that a request asks.

    Raises:
        RpcError: there is no such method, or the parameters are not its own.
    """
    kind = METHODS.get(method)
    if kind is None:
        raise RpcError(METHOD_NOT_FOUND, _why_not(method))
    try:
        return msgspec.convert({} if params is None else params, kind)
    except msgspec.ValidationError as error:
        raise RpcError(INVALID_PARAMS, f"These are no parameters of {method}: {error}.") from error


def _why_not(method: str) -> str:
    if method in MUTATING:
        return f"{method} would change the world, and this endpoint only reads."
    if method in _INSTEAD:
        return f"There is no {method} here; {_INSTEAD[method]}"
    if method in _SINCE_0_17:
        return f"{method} has been called {_SINCE_0_17[method]} since Bevy 0.17, and is so here."
    return f"There is no method {method!r}; rpc.discover lists those that there are."
