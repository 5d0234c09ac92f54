"""Saving a world and loading it: what comes back, what is left out, and where things go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import esper
import pytest

from ecs_localai.components import AuthKind, OllamaAuth, OllamaConfiguration
from ecs_localai.runtime import (
    App,
    DespawnOnExit,
    NextState,
    OnEnter,
    Query,
    RemovedComponents,
    Res,
    State,
    SystemFailed,
    Update,
    resource_changed,
    run_if,
)
from ecs_localai.runtime.saving.errors import SaveError
from ecs_localai.runtime.saving.format import read_document, saved_contents
from ecs_localai.runtime.saving.loading import load_world
from ecs_localai.runtime.saving.marks import NotSaved
from ecs_localai.runtime.saving.writing import SavedWorld, save_world
from ecs_localai.runtime.type_registry import TypeRegistry
from tests.runtime.saving_parts import (
    Links,
    Marker,
    Mode,
    Name,
    Position,
    Rules,
    Score,
    Seat,
    Sprite,
    Velocity,
    types_of,
    work,
)


def _component_names(saved: SavedWorld) -> set[str]:
    return {name.rpartition(".")[2] for name in saved.components}


def test_entities_components_and_resources_come_back_equal(app: App) -> None:
    one = app.world.spawn(Position(1, 2), Name("Ada"))
    two = app.world.spawn(Velocity(3))
    app.insert_resource(Score(7, two, [1.5]))
    app.insert_resource(Rules(5))
    saved = save_world(app)
    with App() as other:
        types_of(other)
        other.world.spawn(Marker())
        loaded = load_world(other, saved.data)
        assert loaded.entities.keys() == {one, two}
        assert set(other.world.components(loaded.entities[one])) == {Position(1, 2), Name("Ada")}
        assert other.world.components(loaded.entities[two]) == (Velocity(3),)
        assert other.world.resource(Score) == Score(7, loaded.entities[two], [1.5])
        assert other.world.resource(Rules) == Rules(5)
        assert len(other.world.query(Marker)) == 1  # what was there is still there
    assert (saved.entities, saved.skipped) == (2, [])
    assert _component_names(saved) == {"Position", "Name", "Velocity"}


def test_references_follow_wherever_they_are(app: App) -> None:
    a, b, c = (app.world.spawn(Name(name)) for name in "abc")
    links = Links(a, [b, c], (a, 5), {"it": b}, {c: Seat(a, 1)}, frozenset({b}), [None, Seat(c)])
    holder = app.world.spawn(links)
    saved = save_world(app)
    with App() as other:
        types_of(other)
        other.world.spawn()
        loaded = load_world(other, saved.data)
        a, b, c = (loaded.entities[one] for one in (a, b, c))
        moved = Links(a, [b, c], (a, 5), {"it": b}, {c: Seat(a, 1)}, frozenset({b}), [None, Seat(c)])
        assert other.world.get(loaded.entities[holder], Links) == moved
        assert moved != links


def test_a_reference_to_a_deleted_entity_stays_one(app: App) -> None:
    dead, other_dead = app.world.spawn(), app.world.spawn()
    app.world.despawn(dead)
    app.world.despawn(other_dead)
    holder = app.world.spawn(Links(dead, [dead, other_dead]), Position(1))
    saved = save_world(app)
    with App() as other:
        types_of(other)
        for _ in range(5):
            other.world.spawn()  # ids that the dead ones had are living ones here
        loaded = load_world(other, saved.data)
        links = other.world.get(loaded.entities[holder], Links)
        assert links is not None
        assert links.parent == links.children[0] != links.children[1]
        assert not any(map(other.world.exists, links.children))
        assert other.world.spawn() not in links.children


def test_numbers_that_no_entity_has_stay_as_they_are(app: App) -> None:
    holder = app.world.spawn(Links(0, [-1]))
    loaded = load_world(app, save_world(app).data)
    assert app.world.get(loaded.entities[holder], Links) == Links(0, [-1])


def test_a_component_that_holds_a_task_is_left_out_and_told_of(app: App) -> None:
    both = app.world.spawn(work(app.tasks), Position(1))
    only = app.world.spawn(work(app.tasks))
    asked = app.world.spawn(work(app.tasks))
    holder = app.world.spawn(Links(asked))
    saved = save_world(app)
    assert read_document(saved.data).entities.keys() == {both, asked, holder}
    (skipped,) = saved.skipped
    assert (skipped.kind, skipped.place) == ("tests.runtime.saving_parts.Work", "component")
    assert skipped.entities == [both, only, asked]
    assert "a Task belongs to the running program" in skipped.reason
    app.world.despawn(both)


def test_what_the_program_leaves_out_is_not_saved_and_not_loaded(app: App) -> None:
    app.world.spawn(Sprite("a.png"), Position(1))
    app.insert_resource(Rules())
    with_all = save_world(app)
    types = app.world.resource(TypeRegistry)
    types.leave_out(Sprite, "It is drawn anew.").leave_out(Rules, "They are the program's own.")
    saved = save_world(app)
    assert [(one.kind.rpartition(".")[2], one.place, one.reason) for one in saved.skipped] == [
        ("Sprite", "component", "It is drawn anew."),
        ("Rules", "resource", "They are the program's own."),
    ]
    assert _component_names(saved) == {"Position"}
    loaded = load_world(app, with_all.data)
    assert [(one.kind.rpartition(".")[2], one.entities) for one in loaded.skipped] == [("Sprite", [1]), ("Rules", [])]
    assert len(app.world.query(Sprite)) == 1
    assert loaded.resources == []


def test_what_a_component_needs_beside_it_is_made_when_it_is_loaded(app: App) -> None:
    types = types_of(app)
    made: list[Sprite] = []

    def sprite() -> Sprite:
        made.append(Sprite("new.png"))
        return made[-1]

    types.register_required(Position, Sprite, sprite)
    types.leave_out(Sprite, "It is drawn anew.")
    app.world.spawn(Position(1), Sprite("old.png"))
    app.world.spawn(Velocity(1))
    loaded = load_world(app, save_world(app).data)
    one, two = loaded.entities.values()
    assert app.world.get(one, Sprite) is made[0]
    assert len(made) == 1
    assert app.world.get(two, Sprite) is None


class _Engine:
    """A resource that is no data class."""


@dataclass
class _Cache:
    """A data class with something in it that is no data."""

    images: list[object] = field(default_factory=lambda: [_Engine.__init__])


def test_resources_that_are_no_data_are_left_out_and_told_of(app: App) -> None:
    app.insert_resource(_Engine())
    app.insert_resource(_Cache())
    app.insert_resource(Score(1))
    saved = save_world(app)
    assert saved.resources == ["tests.runtime.saving_parts.Score"]
    reasons = {one.kind.rpartition(".")[2]: one.reason for one in saved.skipped}
    assert "neither registered nor a dataclass" in reasons["_Engine"]
    assert "is no data" in reasons["_Cache"]
    types = app.world.resource(TypeRegistry).register(_Engine)
    assert save_world(app).resources[0].endswith("._Engine")
    types.register(_Cache)
    with pytest.raises(SaveError, match=r"^resources\..*_Cache\.images\[0\]: .* is no data\. Give its class"):
        save_world(app)


def test_a_resource_that_is_there_is_overwritten_in_place(app: App) -> None:
    changed: list[int] = []

    def look(score: Res[Score]) -> None:
        changed.append(score.points)

    app.insert_resource(Score(1))
    app.insert_resource(Rules(1))
    held, frozen = app.world.resource(Score), app.world.resource(Rules)
    saved = save_world(app)
    held.points = 50
    app.insert_resource(Rules(2))
    app.add_systems(Update, run_if(resource_changed(Score), look))
    app.update()
    app.update()
    load_world(app, saved.data)
    app.update()
    assert held is app.world.resource(Score)
    assert changed == [50, 1]
    assert app.world.resource(Rules) == frozen


@dataclass
class _Album:
    """A resource with a field that is not saved."""

    title: str = ""
    open_files: Annotated[list[str], NotSaved()] = field(default_factory=list)


def test_a_field_that_is_not_saved_stays_as_it_is_where_a_resource_is_overwritten(app: App) -> None:
    app.insert_resource(_Album("a", ["1.png"]))
    saved = save_world(app)
    app.world.resource(_Album).title = "b"
    load_world(app, saved.data)
    assert app.world.resource(_Album) == _Album("a", ["1.png"])
    app.world.remove_resource(_Album)
    load_world(app, saved.data)
    assert app.world.resource(_Album) == _Album("a")


def test_the_state_comes_back_at_once(app: App) -> None:
    entered: list[str] = []
    app.init_state(Mode.MENU)
    app.add_systems(OnEnter(Mode.PLAY), lambda: entered.append("PLAY"))
    app.update()
    app.world.resource(NextState[Mode]).set(Mode.PLAY)
    app.update()
    mortal = app.world.spawn(DespawnOnExit(Mode.PLAY))
    saved = save_world(app)
    assert saved.states == {"tests.runtime.saving_parts.Mode": "PLAY"}
    app.world.resource(NextState[Mode]).set(Mode.MENU)
    app.update()
    assert not app.world.exists(mortal)
    app.world.resource(NextState[Mode]).set(Mode.MENU)
    loaded = load_world(app, saved.data)
    assert app.world.resource(State[Mode]).get() is Mode.PLAY
    app.update()
    assert app.world.resource(State[Mode]).get() is Mode.PLAY
    assert entered == ["PLAY"]  # what it set up was saved
    app.world.resource(NextState[Mode]).set(Mode.MENU)
    app.update()
    assert not app.world.exists(loaded.entities[mortal])


def test_replace_deletes_what_would_be_saved_and_nothing_else(app: App) -> None:
    types_of(app)
    kept = app.world.spawn(_Engine())
    old = app.world.spawn(Position(1))
    saved = save_world(app)
    app.world.resource(TypeRegistry).leave_out(_Engine, "It runs.")
    app.world.spawn(Position(2), _Engine())
    loaded = load_world(app, saved.data, replace=True)
    assert app.world.exists(kept)
    assert not app.world.exists(old)
    assert app.world.query(Position) == [(loaded.entities[old], Position(1))]


def test_systems_see_loaded_entities_and_the_removal_of_replaced_ones(app: App) -> None:
    seen: list[list[int]] = []
    gone: list[list[int]] = []

    def look(positions: Query[Position], removed: RemovedComponents[Position]) -> None:
        seen.append([entity for entity, _ in positions])
        gone.append(list(removed.read()))

    app.add_systems(Update, look)
    old = app.world.spawn(Position(1))
    app.update()
    new = load_world(app, save_world(app).data, replace=True).entities[old]
    app.update()
    assert seen == [[old], [new]]
    assert gone == [[], [old]]


def test_a_guest_saves_the_hosts_world_and_leaves_it_active(host_world: str, failures: list[SystemFailed]) -> None:
    elsewhere = "the host's menu"
    with App(world=host_world) as guest:
        guest.set_error_handler(failures.append)
        entity = esper.create_entity(Position(1))
        esper.switch_world(elsewhere)
        saved = save_world(guest)
        loaded = load_world(guest, saved.data)
        assert esper.current_world == elsewhere
        assert guest.world.get(loaded.entities[entity], Position) == Position(1)
    esper.switch_world(host_world)
    esper.delete_world(elsewhere)
    assert failures == []


def test_a_saved_world_holds_no_secret(app: App) -> None:
    app.world.spawn(OllamaConfiguration(authentication=OllamaAuth.basic("ada", "opensesame")))
    app.insert_resource(OllamaConfiguration(authentication=OllamaAuth.bearer("t0k3n-for-all")))
    app.world.spawn(OllamaAuth.headers({"X-Api-Key": "k3y-of-keys"}))
    data = save_world(app).data
    for secret in (b"opensesame", b"t0k3n-for-all", b"k3y-of-keys"):
        assert secret not in data
    assert b"ada" in data
    load_world(app, data)
    config = app.world.resource(OllamaConfiguration)
    assert config.authentication is not None
    assert config.authentication.kind is AuthKind.BEARER
    assert not config.authentication.is_complete


def test_what_a_file_contains_is_told_without_its_types(app: App) -> None:
    app.init_state(Mode.MENU)
    app.world.spawn(Position(1), Name("a"))
    app.world.spawn(Position(2))
    app.insert_resource(Score())
    contents = saved_contents(save_world(app).data)
    assert (contents.version, contents.entities) == (1, 2)
    assert contents.components == {"tests.runtime.saving_parts.Position": 2, "tests.runtime.saving_parts.Name": 1}
    assert contents.resources == ["tests.runtime.saving_parts.Score"]
    assert contents.states == {"tests.runtime.saving_parts.Mode": "MENU"}


def test_a_component_that_is_no_data_is_an_error_that_names_it_its_entity_and_a_remedy(app: App) -> None:
    app.world.spawn(Position(1))
    entity = app.world.spawn(_Cache())
    with pytest.raises(
        SaveError, match=rf"^entities\.{entity}\..*_Cache\.images\[0\]: .* is no data\. .*leave_out\(\)\.$"
    ):
        save_world(app)
