"""Clients that watch: told of what changes, by server-sent events."""

from __future__ import annotations

import pytest

from ecs_localai.remote import RemoteClient
from ecs_localai.remote.errors import COMPONENT_NOT_PRESENT, ENTITY_NOT_FOUND
from ecs_localai.testing import run_until
from tests.remote.remote_parts import HERE, Creature, Diary, Position, Remote, Watcher

POSITION, CREATURE, DIARY = f"{HERE}.Position", f"{HERE}.Creature", f"{HERE}.Diary"
VALUES, NAMES = "world.get_components+watch", "world.list_components+watch"


def test_the_first_update_has_all_values_and_the_next_only_what_changed(remote: Remote) -> None:
    position, creature = Position(1.0), Creature("Ada")
    entity = remote.app.world.spawn(position, creature)
    with Watcher(remote, VALUES, entity=entity, components=["Position", "Creature"]) as watcher:
        assert watcher.content_type == "text/event-stream"
        (first,) = watcher.wait_for(1)
        assert first["components"] == {POSITION: {"x": 1.0, "y": 0.0}, CREATURE: {"name": "Ada", "mood": "CALM"}}
        position.x = 2.0  # in place, and marked by nobody
        assert watcher.wait_for(2)[1] == {"components": {POSITION: {"x": 2.0, "y": 0.0}}, "removed": [], "errors": {}}
        for _ in range(20):
            remote.app.update()
        assert len(watcher.told) == 2
        assert [message["id"] for message in watcher.messages] == ["watch", "watch"]


def test_components_that_come_and_go_are_told(remote: Remote) -> None:
    entity = remote.app.world.spawn(Position())
    with Watcher(remote, VALUES, entity=entity, components=["Position", "Creature"]) as watcher:
        (first,) = watcher.wait_for(1)
        assert f"'code': {COMPONENT_NOT_PRESENT}" in str(first["errors"])
        remote.app.world.insert(entity, Creature("Bo"))
        second = watcher.wait_for(2)[1]
        assert second == {"components": {CREATURE: {"name": "Bo", "mood": "CALM"}}, "removed": [], "errors": {}}
        remote.app.world.remove(entity, Position)
        third = watcher.wait_for(3)[2]
        assert (third["components"], third["removed"]) == ({}, [POSITION])


def test_a_strict_watch_begins_only_where_all_is_there_and_tells_no_errors(remote: Remote) -> None:
    entity = remote.app.world.spawn(Position())
    with Watcher(remote, VALUES, entity=entity, components=["Position"], strict=True) as watcher:
        assert watcher.wait_for(1) == [{"components": {POSITION: {"x": 0.0, "y": 0.0}}, "removed": []}]
    with Watcher(remote, VALUES, entity=entity, components=["Position", "Creature"], strict=True) as watcher:
        run_until(remote.app, lambda: watcher.has_ended)
        assert watcher.error_codes == [COMPONENT_NOT_PRESENT]


@pytest.mark.parametrize("method", [VALUES, NAMES])
def test_a_watch_ends_with_its_entity(remote: Remote, method: str) -> None:
    entity = remote.app.world.spawn(Position())
    params: dict[str, object] = {"components": ["Position"]} if method == VALUES else {}
    with Watcher(remote, method, entity=entity, **params) as watcher:
        watcher.wait_for(1)
        remote.app.world.despawn(entity)
        run_until(remote.app, lambda: watcher.has_ended)
        assert watcher.error_codes == [ENTITY_NOT_FOUND]


def test_an_entity_that_was_never_there_is_told_at_once(remote: Remote) -> None:
    with Watcher(remote, NAMES, entity=12_345) as watcher:
        run_until(remote.app, lambda: watcher.has_ended)
        assert (watcher.told, watcher.error_codes) == ([], [ENTITY_NOT_FOUND])


def test_the_names_of_components_are_watched_whether_registered_or_not(remote: Remote) -> None:
    entity = remote.app.world.spawn(Position())
    with Watcher(remote, NAMES, entity=entity) as watcher:
        assert watcher.wait_for(1) == [{"added": [POSITION], "removed": []}]
        remote.app.world.insert(entity, Diary())
        remote.app.world.remove(entity, Position)
        assert watcher.wait_for(2)[1] == {"added": [DIARY], "removed": [POSITION]}


def test_what_changes_to_and_fro_between_two_looks_is_not_told(remote: Remote) -> None:
    position = Position(1.0)
    entity = remote.app.world.spawn(position)
    with Watcher(remote, VALUES, entity=entity, components=["Position"]) as watcher:
        watcher.wait_for(1)
        position.x = 2.0
        position.x = 1.0
        remote.app.update()
        position.y = 5.0
        assert watcher.wait_for(2)[1]["components"] == {POSITION: {"x": 1.0, "y": 5.0}}


def test_the_client_gives_the_news_as_values_and_leaves_with_its_with_block(remote: Remote) -> None:
    entity = remote.app.world.spawn(Position(1.0))

    def two_looks(client: RemoteClient) -> tuple[object, list[str]]:
        with client.watch_components(entity, ["Position"]) as values, client.watch_component_names(entity) as names:
            return next(values).components[POSITION], next(names).added

    assert remote.ask(two_looks) == ({"x": 1.0, "y": 0.0}, [POSITION])
