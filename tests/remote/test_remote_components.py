"""``world.get_components`` and ``world.list_components``."""

from __future__ import annotations

import math

import esper
import pytest

from ecs_localai.remote import RemoteClient, RemoteError
from ecs_localai.remote.errors import COMPONENT_ERROR, COMPONENT_NOT_PRESENT, ENTITY_NOT_FOUND
from ecs_localai.runtime.type_registry import TypeRegistry
from tests.remote.remote_parts import HERE, Creature, Diary, Mood, Position, Remote

POSITION, CREATURE, DIARY = f"{HERE}.Position", f"{HERE}.Creature", f"{HERE}.Diary"


class Elsewhere:
    """Has a type whose short name is taken."""

    class Position:
        """Not the other one."""


def error_of(remote: Remote, method: str, **params: object) -> RemoteError:
    """The error that a request is answered with."""

    def ask(client: RemoteClient) -> RemoteError:
        with pytest.raises(RemoteError) as caught:
            client.call(method, object, params)
        return caught.value

    return remote.ask(ask)


def test_the_values_are_told_by_the_full_names_of_their_types(remote: Remote) -> None:
    entity = remote.app.world.spawn(Position(1.5, -2.0), Creature("Ada", Mood.WILD))
    told = remote.ask(lambda client: client.get_components(entity, [POSITION, CREATURE]))
    assert told.components == {POSITION: {"x": 1.5, "y": -2.0}, CREATURE: {"name": "Ada", "mood": "WILD"}}
    assert told.errors == {}


def test_a_short_name_is_enough_where_only_one_type_has_it(remote: Remote) -> None:
    entity = remote.app.world.spawn(Position())
    told = remote.ask(lambda client: client.get_components(entity, ["Position"]))
    assert list(told.components) == [POSITION]


def test_of_types_with_one_short_name_each_is_told_by_its_full_name(remote: Remote) -> None:
    entity = remote.app.world.spawn(Position(3.0), Elsewhere.Position())
    told = remote.ask(lambda client: client.get_components(entity, ["Position", POSITION]))
    assert told.components == {POSITION: {"x": 3.0, "y": 0.0}}
    assert f"{__name__}.Elsewhere.Position, {POSITION}" in told.errors["Position"].message
    assert told.errors["Position"].code == COMPONENT_ERROR


def test_what_cannot_be_told_is_among_the_errors_and_the_rest_is_told(remote: Remote) -> None:
    entity = remote.app.world.spawn(Position(), Diary())
    told = remote.ask(lambda client: client.get_components(entity, ["Position", "Diary", "Creature", "Nonsense"]))
    assert list(told.components) == [POSITION]
    assert {name: error.code for name, error in told.errors.items()} == {
        DIARY: COMPONENT_ERROR,
        CREATURE: COMPONENT_NOT_PRESENT,
        "Nonsense": COMPONENT_ERROR,
    }
    assert "register(Diary)" in told.errors[DIARY].message
    assert "dear" not in str(told)


def test_a_value_that_is_no_data_is_among_the_errors(remote: Remote) -> None:
    remote.app.world.resource(TypeRegistry).register(Diary)
    entity = remote.app.world.spawn(Position(), Diary(text=object()))  # type: ignore[arg-type] # that is the point
    told = remote.ask(lambda client: client.get_components(entity, ["Position", "Diary"]))
    assert (list(told.components), list(told.errors)) == ([POSITION], [DIARY])


def test_why_a_type_s_own_words_failed_is_not_told(remote: Remote) -> None:
    def fail(_diary: Diary) -> object:
        raise ValueError("the password is hunter2")

    remote.app.world.resource(TypeRegistry).register_as(Diary, fail, lambda _data: Diary())
    entity = remote.app.world.spawn(Diary())
    told = remote.ask(lambda client: client.get_components(entity, ["Diary"]))
    assert told.errors[DIARY].code == COMPONENT_ERROR
    assert "hunter2" not in str(told)


def test_numbers_that_json_has_no_place_for_do_not_break_the_answer(remote: Remote) -> None:
    entity = remote.app.world.spawn(Position(math.nan, math.inf))
    told = remote.ask(lambda client: client.get_components(entity, ["Position"]))
    assert list(told.components) == [POSITION]


def test_a_strict_question_is_answered_by_the_values_alone_or_by_an_error(remote: Remote) -> None:
    entity = remote.app.world.spawn(Position(2.0), Diary())
    params = {"entity": entity, "components": ["Position"], "strict": True}
    assert remote.result("world.get_components", params) == {POSITION: {"x": 2.0, "y": 0.0}}
    for name, code in (("Creature", COMPONENT_NOT_PRESENT), ("Diary", COMPONENT_ERROR), ("Nonsense", COMPONENT_ERROR)):
        error = error_of(remote, "world.get_components", entity=entity, components=["Position", name], strict=True)
        assert (error.code, name in str(error)) == (code, True)


def test_all_components_are_listed_by_name_also_those_whose_values_are_not_told(remote: Remote) -> None:
    entity = remote.app.world.spawn(Position(), Diary())
    remote.app.world.spawn(Creature())
    assert remote.ask(lambda client: client.list_components(entity)) == [DIARY, POSITION]
    assert remote.ask(lambda client: client.list_components()) == [CREATURE, DIARY, POSITION]


@pytest.mark.parametrize("method", ["world.get_components", "world.list_components"])
def test_an_entity_that_is_not_there_is_an_error(remote: Remote, method: str) -> None:
    params: dict[str, object] = {"components": []} if "get" in method else {}
    assert error_of(remote, method, entity=999_999, **params).code == ENTITY_NOT_FOUND


def test_an_entity_that_plain_esper_is_about_to_delete_is_not_there(remote: Remote) -> None:
    entity = remote.app.world.spawn(Position())

    def doom() -> None:  # a plain processor's deferred deletion, which the next process() carries out
        if esper.entity_exists(entity):
            esper.delete_entity(entity)

    with remote.app.world.active():
        doom()
    assert error_of(remote, "world.list_components", entity=entity).code == ENTITY_NOT_FOUND
