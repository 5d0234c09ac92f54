"""``world.query``: entities by what they have."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecs_localai.remote import RemoteClient, RemoteError
from ecs_localai.remote.desk import MOST_PIECES
from ecs_localai.remote.errors import COMPONENT_ERROR, INVALID_PARAMS
from ecs_localai.remote.queries import QueryData, QueryFilter, QueryRow, QueryWorld
from ecs_localai.remote.reading import WorldReader
from ecs_localai.runtime import Last
from tests.remote.remote_parts import HERE, Creature, Diary, Position, Remote

POSITION, CREATURE, DIARY = f"{HERE}.Position", f"{HERE}.Creature", f"{HERE}.Diary"


@pytest.fixture
def zoo(remote: Remote) -> dict[str, int]:
    """Entities with the components that their names say."""
    spawn = remote.app.world.spawn
    return {
        "p": spawn(Position(1.0)),
        "pc": spawn(Position(2.0), Creature("Bo")),
        "c": spawn(Creature("Cy")),
        "pd": spawn(Position(3.0), Diary()),
    }


def entities(rows: list[QueryRow]) -> list[int]:
    """Which rows there are."""
    return [row.entity for row in rows]


def test_the_entities_that_have_it_all_are_told_with_the_values(remote: Remote, zoo: dict[str, int]) -> None:
    rows = remote.ask(lambda client: client.query([POSITION, CREATURE]))
    expected = {POSITION: {"x": 2.0, "y": 0.0}, CREATURE: {"name": "Bo", "mood": "CALM"}}
    assert [(row.entity, row.components) for row in rows] == [(zoo["pc"], expected)]


def test_filters_leave_out_and_tell_no_values(remote: Remote, zoo: dict[str, int]) -> None:
    rows = remote.ask(lambda client: client.query(["Position"], without=["Creature"]))
    assert entities(rows) == [zoo["p"], zoo["pd"]]
    rows = remote.ask(lambda client: client.query(["Creature"], with_=["Position"]))
    assert [(row.entity, list(row.components)) for row in rows] == [(zoo["pc"], [CREATURE])]


def test_optional_components_are_told_where_they_are(remote: Remote, zoo: dict[str, int]) -> None:
    rows = remote.ask(lambda client: client.query(["Position"], option=["Creature"]))
    assert [(row.entity, CREATURE in row.components) for row in rows] == [
        (zoo["p"], False),
        (zoo["pc"], True),
        (zoo["pd"], False),
    ]


def test_presence_is_told_where_it_was_asked(remote: Remote, zoo: dict[str, int]) -> None:
    rows = remote.ask(lambda client: client.query(["Position"], has=["Creature", "Diary", "Nonsense"]))
    assert {row.entity: row.has for row in rows} == {
        zoo["p"]: {CREATURE: False, DIARY: False, "Nonsense": False},
        zoo["pc"]: {CREATURE: True, DIARY: False, "Nonsense": False},
        zoo["pd"]: {CREATURE: False, DIARY: True, "Nonsense": False},
    }
    raw = remote.result("world.query", {"data": {"components": ["Position"]}})
    assert isinstance(raw, list)
    assert all(set(row) == {"entity", "components"} for row in raw)


def test_all_tells_everything_and_why_something_is_missing(remote: Remote, zoo: dict[str, int]) -> None:
    rows = {row.entity: row for row in remote.ask(lambda client: client.query(option="all"))}
    assert sorted(rows) == sorted(zoo.values())
    assert set(rows[zoo["pc"]].components) == {POSITION, CREATURE}
    row = rows[zoo["pd"]]
    assert list(row.components) == [POSITION]
    assert isinstance(row.errors, dict)
    assert list(row.errors) == [DIARY]


def test_without_parameters_all_entities_are_told(remote: Remote, zoo: dict[str, int]) -> None:
    told = remote.result("world.query")
    assert isinstance(told, list)
    expected = [{"entity": entity, "components": {}} for entity in sorted(zoo.values())]
    assert sorted(told, key=lambda row: int(row["entity"])) == expected


@pytest.mark.parametrize("data", [{"components": ["Nonsense"]}, {}])
def test_no_entity_has_what_is_unknown(remote: Remote, zoo: dict[str, int], data: dict[str, object]) -> None:
    params = {"data": data, "filter": {} if data else {"with": ["Nonsense"]}}
    assert remote.result("world.query", params) == []


@pytest.mark.parametrize(
    "params",
    [
        {"data": {"components": ["Nonsense"]}},
        {"data": {"option": ["Nonsense"]}},
        {"data": {"has": ["Nonsense"]}},
        {"filter": {"with": ["Nonsense"]}},
        {"filter": {"without": ["Nonsense"]}},
        {"data": {"components": ["Diary"]}},
    ],
)
def test_a_strict_question_fails_where_something_is_unknown_or_cannot_be_told(
    remote: Remote, zoo: dict[str, int], params: dict[str, object]
) -> None:
    def ask(client: RemoteClient) -> int:
        with pytest.raises(RemoteError) as caught:
            client.call("world.query", object, {**params, "strict": True})
        return caught.value.code

    assert remote.ask(ask) == COMPONENT_ERROR


@pytest.mark.parametrize(
    "params",
    [
        {"data": {"components": "Position"}},
        {"data": {"components": ["Position"] * 65}},
        {"data": {"option": "everything"}},
        {"data": {"component": ["Position"]}},
        {"filter": {"withuot": ["Position"]}},
        {"strict": "yes"},
        {"dta": {}},
    ],
)
def test_wrong_parameters_are_an_error_that_names_them(remote: Remote, params: dict[str, object]) -> None:
    def ask(client: RemoteClient) -> RemoteError:
        with pytest.raises(RemoteError) as caught:
            client.call("world.query", object, params)
        return caught.value

    error = remote.ask(ask)
    assert error.code == INVALID_PARAMS
    assert "world.query" in str(error)


def test_a_thousand_entities_are_collected_a_few_in_each_frame(remote: Remote) -> None:
    ours = [remote.app.world.spawn(Position(float(number))) for number in range(1_000)]
    begun = remote.app.time.frame
    rows = remote.ask(lambda client: client.query(["Position"]))
    assert entities(rows) == ours
    assert [row.components[POSITION] for row in rows] == [{"x": float(number), "y": 0.0} for number in range(1_000)]
    assert remote.app.time.frame - begun >= 1_000 / MOST_PIECES


def test_a_frame_may_stop_after_each_entity_whether_it_is_told_or_not(remote: Remote) -> None:
    for _ in range(500):
        remote.app.world.spawn(Position(), Creature())
    question = QueryWorld(QueryData(components=("Position",)), QueryFilter(without=("Creature",)))
    with remote.app.world.active():
        assert list(question.pieces(WorldReader(remote.app))) == [None] * 500
    assert remote.ask(lambda client: client.query(["Position"], without=["Creature"])) == []


def test_small_questions_are_answered_beside_a_big_one(remote: Remote) -> None:
    for number in range(5_000):
        remote.app.world.spawn(Position(float(number)))
    frames: dict[str, int] = {}

    def big(client: RemoteClient) -> int:
        rows = len(client.query(["Position"]))
        frames["big"] = remote.app.time.frame
        return rows

    def both(client: RemoteClient) -> int:
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(big, client)
            for _ in range(3):
                remote.client.list_components()
            frames["small"] = remote.app.time.frame
            return future.result()

    assert remote.ask(both) == 5_000
    assert frames["small"] <= frames["big"]


def test_entities_that_go_or_change_while_they_are_collected_break_nothing(remote: Remote) -> None:
    world = remote.app.world
    ours = [world.spawn(Position(float(number)), Creature()) for number in range(2_000)]

    def disturb() -> None:
        for _ in range(20):
            if ours:
                world.despawn(ours.pop())
        if len(ours) > 5:
            world.remove(ours[-1], Position)
            world.insert(ours[-2], Diary())

    remote.app.add_systems(Last, disturb)
    rows = remote.ask(lambda client: client.query(["Position", "Creature"]))
    told = entities(rows)
    assert told == sorted(set(told))
    assert all(set(row.components) == {POSITION, CREATURE} for row in rows)


NAMES = ["Position", "Creature", "Diary"]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    made=st.lists(st.sets(st.sampled_from(NAMES)), max_size=8),
    required=st.sets(st.sampled_from(NAMES), max_size=2),
    with_=st.sets(st.sampled_from(NAMES), max_size=2),
    without=st.sets(st.sampled_from(NAMES), max_size=2),
)
def test_it_finds_what_a_plain_loop_finds(
    remote: Remote, made: list[set[str]], required: set[str], with_: set[str], without: set[str]
) -> None:
    makers = {"Position": Position, "Creature": Creature, "Diary": Diary}
    world = remote.app.world
    entities_made = [world.spawn(*(makers[name]() for name in sorted(names))) for names in made]
    rows = remote.ask(lambda client: client.query(sorted(required), with_=sorted(with_), without=sorted(without)))
    expected = [
        entity
        for entity, names in zip(entities_made, made, strict=True)
        if required | with_ <= names and not without & names
    ]
    assert entities(rows) == expected
    for entity in entities_made:
        world.despawn(entity)
