"""Questions about the app itself: what is in it, and what can be asked."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

import msgspec

from ecs_localai.remote import RemoteEndpoint, RemoteOpened
from ecs_localai.remote.methods import METHODS
from ecs_localai.runtime import AppDescription, Update
from ecs_localai.runtime.type_registry import TypeRegistry
from ecs_localai.testing import run_until
from tests.remote.remote_parts import HERE, Position, Remote, Sang, Weather


def test_the_app_is_described_as_it_describes_itself(remote: Remote) -> None:
    remote.app.add_systems(Update, a_system_of_the_test)
    remote.app.world.spawn(Position())
    # Both are looks at different frames, of which only the first may still see the event that told the port.
    run_until(remote.app, lambda: not remote.app.events(RemoteOpened).buffer, describe="an end of what is buffered")
    told = remote.ask(lambda client: client.describe())
    own = remote.app.describe()
    now = {"frame": 0, "elapsed_seconds": 0.0}
    assert msgspec.structs.replace(told, **now) == msgspec.structs.replace(own, **now)
    assert "a_system_of_the_test" in told.as_text()
    assert told.as_text().splitlines()[1:] == own.as_text().splitlines()[1:]


def a_system_of_the_test() -> None:
    """Does nothing."""


def test_the_description_is_plain_json(remote: Remote) -> None:
    told = remote.result("app.describe")
    assert isinstance(told, dict)
    assert set(told) == set(AppDescription.__struct_fields__)


def test_schedules_are_listed_in_bevy_s_shape(remote: Remote) -> None:
    remote.app.add_systems(Update, a_system_of_the_test)
    told = remote.result("schedule.list")
    assert isinstance(told, dict)
    assert told["schedule_labels"] == ["Update", "Last"]
    assert "PreUpdate" in told["empty_schedule_labels"]
    assert told["unavailable_schedule_labels"] == []


def test_resources_are_listed_by_name_and_told_by_value(remote: Remote) -> None:
    remote.app.insert_resource(Weather(12.5, ["north"]))
    assert f"{HERE}.Weather" in remote.ask(lambda client: client.list_resources())
    for name in ("Weather", f"{HERE}.Weather"):
        told = remote.ask(lambda client, name=name: client.get_resource(name))  # type: ignore[misc] # a default
        assert told == {"degrees": 12.5, "winds": ["north"]}
    assert remote.result("world.get_resources", {"resource": "Weather"}) == {"value": told}


def test_discovery_names_every_method_with_its_parameters_and_where_to_send_them(remote: Remote) -> None:
    told = remote.result("rpc.discover")
    assert isinstance(told, dict)
    assert told["openrpc"] == "1.3.2"
    assert told["servers"] == [{"name": "Server", "url": remote.app.world.resource(RemoteEndpoint).url}]
    methods = {method["name"]: method for method in told["methods"]}
    assert set(methods) == set(METHODS)
    assert all(method["summary"].endswith(".") for method in methods.values())
    assert [(one["name"], one["required"]) for one in methods["world.get_components"]["params"]] == [
        ("entity", True),
        ("components", True),
        ("strict", False),
    ]
    (query_data,) = [one["schema"] for one in methods["world.query"]["params"] if one["name"] == "data"]
    assert set(query_data["properties"]) == {"components", "option", "has"}


class Colour(enum.Enum):
    """Written by name."""

    RED = 1
    BLUE = 2


@dataclass
class Tree:
    """Contains others of its kind."""

    colour: Colour = Colour.RED
    branches: list[Tree] = field(default_factory=list)
    anything: object = None


class Opaque:
    """Says nothing about itself."""


def test_registered_types_are_told_as_json_schema_with_bevy_s_additions(remote: Remote) -> None:
    world = remote.app.world
    world.resource(TypeRegistry).register(Tree, Colour, Opaque)
    world.spawn(Position())
    world.insert_resource(Weather())
    remote.app.add_event(Sang)
    told = remote.result("registry.schema")
    assert isinstance(told, dict)
    assert told[f"{HERE}.Position"] == {
        "shortPath": "Position",
        "typePath": f"{HERE}.Position",
        "modulePath": HERE,
        "crateName": "tests",
        "reflectTypes": ["Component"],
        "kind": "Struct",
        "title": "Position",
        "description": "A component.",
        "type": "object",
        "properties": {"x": {"type": "number"}, "y": {"type": "number"}},
        "required": [],
    }
    assert told[f"{HERE}.Weather"]["reflectTypes"] == ["Resource"]
    assert told[f"{HERE}.Sang"]["reflectTypes"] == ["Event"]
    assert (told[f"{__name__}.Colour"]["kind"], told[f"{__name__}.Colour"]["enum"]) == ("Enum", ["RED", "BLUE"])
    tree = told[f"{__name__}.Tree"]
    assert tree["properties"]["branches"] == {"type": "array", "items": {"$ref": "#/$defs/Tree"}}
    assert tree["$defs"]["Colour"]["enum"] == ["RED", "BLUE"]
    assert told[f"{__name__}.Opaque"]["kind"] == "Value"


def test_schemas_can_be_chosen_by_package_and_by_use(remote: Remote) -> None:
    world = remote.app.world
    world.spawn(Position())
    world.insert_resource(Weather())

    def names(**params: object) -> set[str]:
        told = remote.result("registry.schema", params)
        assert isinstance(told, dict)
        return {name.rpartition(".")[2] for name in told if name.startswith("tests.")}

    everything = names()
    assert {"Position", "Weather", "Creature"} <= everything
    assert names(with_crates=["tests"]) == everything
    assert names(with_crates=["elsewhere"]) == names(without_crates=["tests"]) == set()
    assert names(type_limit={"with": ["Component", "Resource"]}) == {"Position", "Weather"}
    assert names(type_limit={"without": ["Resource"]}) == everything - {"Weather"}
