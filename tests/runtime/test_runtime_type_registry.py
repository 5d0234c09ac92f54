"""The registry of types: names, what values become in JSON, and that they come back equal."""

from __future__ import annotations

import json
import math
import sys
import threading
from collections import Counter, defaultdict, deque
from dataclasses import InitVar, dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated, cast
from uuid import UUID

import msgspec
import numpy
import pygame
import pytest

from ecs_localai.components import OllamaAuth
from ecs_localai.runtime import App, DespawnOnExit, Task
from ecs_localai.runtime.entity import Entity
from ecs_localai.runtime.saving.errors import LoadError, RunningWorkError, SaveError, UnknownTypeError
from ecs_localai.runtime.saving.marks import NotSaved
from ecs_localai.runtime.type_registry import TypeRegistry
from tests.runtime.runtime_parts import forever
from tests.runtime.saving_parts import (
    EVERY_COMPONENT,
    Bag,
    Box,
    Boxes,
    Cell,
    Colour,
    Inventory,
    Item,
    Level,
    Links,
    Marker,
    Material,
    Mode,
    Moments,
    Name,
    Plain,
    Position,
    Rights,
    Seat,
    Several,
    Sprite,
    Velocity,
    Walker,
    work,
)

if TYPE_CHECKING:
    from fractions import Fraction


@pytest.fixture
def types() -> TypeRegistry:
    """A registry with the tests' components."""
    return TypeRegistry().register(*EVERY_COMPONENT, Mode)


def test_a_type_is_named_by_its_module_and_found_by_its_name(types: TypeRegistry) -> None:
    assert types.name_of(Position) == "tests.runtime.saving_parts.Position"
    assert types.kind_of("tests.runtime.saving_parts.Position") is Position
    assert types.is_registered(Position)
    assert Position in types.kinds
    assert [types.name_of(kind) for kind in types.kinds] == sorted(map(types.name_of, types.kinds))
    assert types.register(Position, Position).kinds.count(Position) == 1


def test_a_name_is_never_imported(types: TypeRegistry) -> None:
    absent = next(name for name in ("colorsys", "sndhdr", "turtledemo", "ensurepip") if name not in sys.modules)
    for name in (f"{absent}.anything", "os.system", "subprocess.Popen", "builtins.eval", "", "tests"):
        with pytest.raises(UnknownTypeError, match="is not registered"):
            types.kind_of(name)
        with pytest.raises(UnknownTypeError):
            types.from_builtins(Several, {"five": {"$type": name, "value": {}}})
    assert absent not in sys.modules


def test_the_error_for_an_unknown_type_says_how_to_register_it(types: TypeRegistry) -> None:
    with pytest.raises(UnknownTypeError, match=r"game\.Sword is not registered.*register\(Sword\)") as caught:
        types.kind_of("game.Sword")
    assert isinstance(caught.value, LoadError)
    assert isinstance(caught.value, LookupError)


def test_two_types_of_one_name_are_refused(types: TypeRegistry) -> None:
    twin = type("Position", (), {"__module__": Position.__module__})
    with pytest.raises(SaveError, match=r"two types named tests.runtime.saving_parts.Position"):
        types.register(twin)
    assert not types.is_registered(twin)


ITEM = Item("box", 2.5, Material.STONE, [Item("ring")])
ANYTHING: list[object] = [
    None, True, 1, 1.0, "a", [], [1, [2]], {}, {"a": {"b": ()}}, {"$type": "builtins.eval", "value": "1"},
    {1: 2}, (), (1, (2,)), {1, 2}, frozenset(), deque([1]), math.inf, b"", timedelta(1), date.min, Position(1),
    Colour.RED, Name("x"), [Velocity(1), {"deep": Cell(1)}], Decimal(7), 10**30,
    Links(1, [2]), Mode.PLAY, "\ud800", Counter({1: 2}),
]  # fmt: skip
VALUES: list[object] = [
    "text", 7, -(10**40), 2.5, math.inf, -math.inf, True, b"\x00\xff",
    Position(1.5, -0.0), Position(3), Velocity(1e300), Cell(1, 2), Name("Ada"), Bag([1, (2, {3}), None]), Marker(),
    Colour.GREEN, Material.WOOD, Level.HIGH, Rights.READ | Rights.WRITE, Rights(0),
    ITEM,
    Inventory(
        {"a": ITEM}, {(1, 2): [ITEM], (0, -1): []}, {Level.HIGH: frozenset({3, 1})}, {(2, "b"), (1, "a")},
        deque([ITEM]), Counter("abca"), Rights.WRITE, Colour.RED, "cross",
    ),
    Inventory({"$type": ITEM, "value": ITEM}),
    Moments(
        datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC), timedelta(-3, 5, 7), date.max, time(1, 2, 3, 4), b"ab",
        Decimal("1.10"), UUID(int=2**127),
    ),
    Moments(datetime(1, 1, 1), timedelta.max, date.min),
    Several(1), Several("1"), Several(None), Several(two="NaN"), Several(two=3), Several(two=math.inf),
    Several(three=Position(1)), Several(three=Cell(1)), Several(three=[]), Several(three=[1]),
    Several(four=Position(1)), Several(four=Velocity(1)),
    Several(six=[1]), Several(six=(1, 2)), Several(seven={1: "a"}),
    *(Several(five=anything) for anything in ANYTHING),
    Links(1, [2, 3], (4, 5), {"six": 6}, {7: Seat(8)}, frozenset({9}), [None, Seat(10)]),
    Boxes(Box(1), Box(2), Box([3])),
    Plain(2.0),
    DespawnOnExit(Mode.PLAY),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_comes_back_equal_and_of_its_type(types: TypeRegistry, value: object) -> None:
    data = types.to_builtins(value)
    text = json.dumps(data, allow_nan=False)
    back = types.from_builtins(type(value), json.loads(text))
    assert type(back) is type(value)
    assert back == value
    assert sorted(repr(back)) == sorted(repr(value)) or isinstance(
        value, Plain
    )  # 1.0 and 1 are equal; sets have no order
    assert json.dumps(types.to_builtins(back)) == text


def test_nan_comes_back(types: TypeRegistry) -> None:
    assert types.to_builtins(Position(math.nan)) == {"x": "NaN", "y": 0.0}
    assert math.isnan(types.from_builtins(Position, {"x": "NaN"}).x)
    back = types.from_builtins(Several, types.to_builtins(Several(five=[math.nan])))
    assert isinstance(back.five, list)
    assert math.isnan(back.five[0])


def test_what_json_looks_like(types: TypeRegistry) -> None:
    """For those who read it: plain where it can be, and with the type's name where nothing else says it."""
    assert types.to_builtins(Position(1.5)) == {"x": 1.5, "y": 0.0}
    assert types.to_builtins(Colour.RED) == "RED"
    assert types.to_builtins(Several(four=Velocity(1))) == {
        "one": None,
        "two": {"$type": "builtins.float", "value": 0.0},  # NaN would be text
        "three": None,
        "four": {"$type": "tests.runtime.saving_parts.Velocity", "value": {"dx": 1, "dy": 0.0}},
        "five": None,
        "six": {"$type": "builtins.tuple", "value": []},
        "seven": [],
    }


def test_entity_ids_are_handed_to_who_asks_wherever_they_are(types: TypeRegistry) -> None:
    seen: list[int] = []

    def ten_more(entity: int) -> int:
        seen.append(entity)
        return entity + 10

    links = Links(1, [2, 3], (4, 5), {"six": 6}, {7: Seat(8, 7)}, frozenset({9}), [None, Seat(10)])
    moved = Links(11, [12, 13], (14, 5), {"six": 16}, {17: Seat(18, 7)}, frozenset({19}), [None, Seat(20)])
    assert types.from_builtins(Links, types.to_builtins(links, ten_more)) == moved
    assert sorted(seen) == [1, 2, 3, 4, 6, 7, 8, 9, 10]
    assert types.from_builtins(Links, types.to_builtins(links), ten_more) == moved
    boxes = types.to_builtins(Boxes(Box(1), Box(2), Box([3])), ten_more)
    assert types.from_builtins(Boxes, boxes) == Boxes(Box(1), Box(12), Box([13]))
    dynamic = types.to_builtins(Several(one=1, five=[Seat(2)]), ten_more)
    assert types.from_builtins(Several, dynamic) == Several(one=1, five=[Seat(12)])


def test_a_plain_class_is_put_back_without_its_constructor(types: TypeRegistry) -> None:
    walker = Walker(3)
    data = types.to_builtins(walker, lambda entity: entity + 1)
    assert data == {
        "goal": 4,
        "steps": [{"$type": "tests.runtime.saving_parts.Cell", "value": {"column": 1, "row": 2}}],
    }
    back = types.from_builtins(Walker, data)
    assert (back.goal, back.steps, back.drawn) == (4, walker.steps, None)
    assert types.from_builtins(Sprite, types.to_builtins(Sprite("a.png", object()))) == Sprite("a.png")


class _Vector:
    """A value of somebody else's library."""

    def __init__(self, x: float, y: float) -> None:
        self.pair = [x, y]

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return _Vector, tuple(self.pair)


def test_somebody_elses_type_is_written_as_the_program_says() -> None:
    types = TypeRegistry()
    surface = pygame.Vector2(1, 2)
    with pytest.raises(SaveError, match=r"Vector2 is no data\. .*register_as\(\)"):
        types.to_builtins(surface)
    types.register_as(pygame.Vector2, tuple, lambda data: pygame.Vector2(cast("list[float]", data)))
    assert types.from_builtins(pygame.Vector2, types.to_builtins(surface)) == surface
    types.register_as(_Vector, lambda one: one.pair, lambda data: _Vector(*cast("list[float]", data)))
    assert types.to_builtins(_Vector(1.0, 2.0)) == [1.0, 2.0]
    assert types.from_builtins(_Vector, [1.0, 2.0]).pair == [1.0, 2.0]


def test_a_class_says_itself_what_is_written_and_secrets_are_not(types: TypeRegistry) -> None:
    auth = OllamaAuth.basic("ada", "opensesame")
    data = types.to_builtins(auth)
    assert "opensesame" not in json.dumps(data)
    assert types.from_builtins(OllamaAuth, data) == auth.without_secrets()
    with pytest.raises(LoadError, match="OllamaAuth refuses what is here: ValueError"):
        types.from_builtins(OllamaAuth, {"kind": "Magic"})


@dataclass
class _WithTwin:
    """Declares one thing and holds another."""

    number: int


@dataclass
class _Needs:
    """Has a constructor that takes more than its fields."""

    twice: int = field(init=False)
    number: InitVar[int]

    def __post_init__(self, number: int) -> None:
        self.twice = 2 * number


@dataclass
class _Unresolved:
    """Names what only a type checker sees."""

    share: Fraction | None = None


class _Lazy(msgspec.Struct, kw_only=True):
    """A struct whose annotation only a type checker can read, among fields with and without a default."""

    share: Fraction | None = None
    name: str


@dataclass
class _Loose:
    """A note without a hash."""

    number: Annotated[int, ["seconds"]]


@dataclass
class _NoDefault:
    hidden: Annotated[int, NotSaved()]


@dataclass
class _Noted:
    """An annotation's rules."""

    share: Annotated[float, msgspec.Meta(ge=0, le=1)]
    at: Annotated[datetime, msgspec.Meta(tz=True)] = datetime(2026, 1, 1, tzinfo=UTC)


def _itself() -> Bag:
    bag = Bag()
    bag.append(bag)
    return bag


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (threading.Lock(), r"^_thread\.lock: a _thread\.lock is no data\. Give its class to_data\(\) and from"),
        (Several(five=[1, {"key": threading.Lock()}]), r"^tests\.runtime\.saving_parts\.Several\.five\[1\]\.key: "),
        (Several(five=print), "is no data"),
        (Several(five=Position), "is no data"),
        (Several(five=lambda: None), "is no data"),
        (Several(five=defaultdict(list)), "factory of a defaultdict cannot be written down"),
        (_WithTwin(cast("int", "7")), r"number: a whole number is declared here, but it is '7'\. Give the field"),
        (_WithTwin(cast("int", 7.5)), "but it is 7.5"),
        (_WithTwin(cast("int", True)), "but it is True"),
        (_WithTwin(cast("int", None)), "but it is None"),
        (Item(cast("str", 10**5000)), "but it is a very long whole number"),
        (Position(cast("float", None)), r"Position\.x: a number is declared here, but it is None"),
        (Links(children=cast("list[int]", ["x"])), r"Links\.children\[0\]: an entity's id"),
        (Links(pair=cast("tuple[int, int]", (1,))), r"Links\.pair: "),
        (Inventory(colour=cast("Colour", "RED")), r"Inventory\.colour: the annotation does not allow a builtins\.str"),
        (_Unresolved(cast("Fraction", 7)), r"share: its annotation .*Fraction.* Import the names in it"),
        (_NoDefault(1), "the field hidden is NotSaved, but has no default"),
        (_itself(), "contains itself"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)  # fmt: skip
def test_what_is_no_data_is_refused_with_its_place_and_a_remedy(
    types: TypeRegistry, value: object, message: str
) -> None:
    with pytest.raises(SaveError, match=message) as caught:
        types.to_builtins(value)
    assert not isinstance(caught.value, RunningWorkError)
    assert str(caught.value).endswith(".")


class _Broken:
    """Fails to say what it is made of."""

    def to_data(self) -> object:
        """Not ready."""
        raise AttributeError("not ready")

    @classmethod
    def from_data(cls, data: object) -> _Broken:
        """Ready."""
        return cls()


@dataclass
class _Partial:
    """Has a field that nobody sets."""

    late: int = field(init=False)


def test_a_failure_of_the_programs_own_code_is_told_with_its_place(types: TypeRegistry) -> None:
    with pytest.raises(SaveError, match=r"_Broken: to_data\(\) of _Broken failed: AttributeError: not ready"):
        types.to_builtins(_Broken())
    with pytest.raises(SaveError, match=r"_Partial: the field late was never set"):
        types.to_builtins(_Partial())


def test_a_dataclass_whose_constructor_takes_more_than_its_fields_is_put_back_without_it(types: TypeRegistry) -> None:
    assert types.from_builtins(_Needs, types.to_builtins(_Needs(3))) == _Needs(3)


def test_an_annotation_that_cannot_be_read_is_no_matter_while_the_field_is_none(types: TypeRegistry) -> None:
    assert types.from_builtins(_Unresolved, types.to_builtins(_Unresolved())) == _Unresolved()
    assert types.from_builtins(_Lazy, types.to_builtins(_Lazy(name="a"))) == _Lazy(name="a")
    with pytest.raises(LoadError, match="the field name of _Lazy is missing"):
        types.from_builtins(_Lazy, {})


def test_notes_in_annotations_that_mean_nothing_here_are_passed_over(types: TypeRegistry) -> None:
    assert types.from_builtins(_Loose, types.to_builtins(_Loose(7))) == _Loose(7)


@dataclass
class _Probe:
    """Holds a task of what only a type checker sees."""

    task: Task[Fraction] | None = None


def test_a_task_of_an_unknown_type_belongs_to_the_running_program(types: TypeRegistry, app: App) -> None:
    with pytest.raises(RunningWorkError, match=r"_Probe\.task: a Task belongs to the running program"):
        types.to_builtins(_Probe(cast("Task[Fraction]", app.tasks.spawn(forever(), "wait"))))


class _Mixed(str, Enum):  # noqa: UP042 - this is the former way
    """Text with names, as before Python 3.11."""

    A = "a"


def test_derived_numbers_and_text_come_back_equal(types: TypeRegistry) -> None:
    for value in (
        Position(numpy.float64(1.5), Level.HIGH),
        Item(Material.WOOD, numpy.float64("inf")),
        Item(_Mixed.A),
        Several(one=Level.LOW),
        Several(one=Material.STONE, two=numpy.float64(2)),
    ):
        back = types.from_builtins(type(value), json.loads(json.dumps(types.to_builtins(value))))
        assert back == value
    assert type(types.from_builtins(Item, types.to_builtins(Item(_Mixed.A))).title) is str


def test_a_task_belongs_to_the_running_program(types: TypeRegistry, app: App) -> None:
    with pytest.raises(RunningWorkError, match=r"Work\.task: a Task belongs to the running program"):
        types.to_builtins(work(app.tasks))
    with pytest.raises(RunningWorkError):
        types.to_builtins(Several(five=app.wakeups))
    app.update()


@pytest.mark.parametrize(
    ("kind", "data", "message"),
    [
        (Position, {"x": "7"}, r"^tests\.runtime\.saving_parts\.Position\.x: a number belongs here, not '7'\.$"),
        (Position, {"x": None}, "not None"),
        (Position, {"x": True}, "not True"),
        (Position, {}, "the field x of Position is missing, and it has no default"),
        (Position, {"x": 1, "z": 2}, "Position has no field z; it has x, y"),
        (Position, [1, 2], "an object with the fields of Position belongs here, not a list"),
        (Colour, "BLUE", "Colour, one of RED, GREEN, belongs here, not 'BLUE'"),
        (Rights, 77, "Rights belongs here"),
        (Rights, "READ", "a whole number belongs here"),
        (Moments, {"at": "yesterday"}, r"Moments\.at: datetime belongs here"),
        (Links, {"children": [1, "two"]}, r"Links\.children\[1\]: an entity's id belongs here, not 'two'"),
        (Links, {"pair": [1]}, "2 items belong here, not 1"),
        (Links, {"friends": [1, 1]}, "an item is there twice"),
        (Links, {"seats": [[1]]}, "a pair of a key and a value"),
        (Links, {"seats": [[1, {"who": 1}], [1, {"who": 2}]]}, "a key is there twice"),
        (Several, {"one": 1.5}, r"Several\.one: no type that is declared here fits 1\.5"),
        (Several, {"one": {"$type": "tests.runtime.saving_parts.Position", "value": {"x": 1}}}, "does not belong here"),
        (Several, {"five": {"$type": "builtins.set", "value": [[]]}}, "cannot be a key or in a set"),
        (
            Several,
            {"five": {"$type": "builtins.set", "value": [{"$type": "builtins.tuple", "value": [[1]]}]}},
            "cannot be a key or in a set",
        ),
        (Inventory, {"mood": "glad"}, "belongs here"),
        (DespawnOnExit, {"state": "PLAY"}, "a States belongs here"),
        (DespawnOnExit, {"state": {"$type": "tests.runtime.saving_parts.Colour", "value": "RED"}}, "a States belongs"),
        (Plain, {"open": 1, "other": 2}, "Plain has no place for other"),
        (_Noted, {"share": 1.5}, r"share: .*belongs here"),
        (_Noted, {"share": 0.5, "at": "2026-01-01T00:00:00"}, r"at: .*timezone"),
    ],
    ids=str,
)  # fmt: skip
def test_what_was_never_written_is_refused_with_its_place(
    types: TypeRegistry, kind: type, data: object, message: str
) -> None:
    with pytest.raises(LoadError, match=message):
        types.from_builtins(kind, data)


def test_data_that_goes_too_deep_is_refused(types: TypeRegistry) -> None:
    data: object = []
    for _ in range(100_000):
        data = [data]
    with pytest.raises(LoadError, match="too deep"):
        types.from_builtins(Bag, data)
    del data


def test_an_entity_mark_belongs_on_an_int(types: TypeRegistry) -> None:
    assert types.codec(Entity).write(7, lambda entity: entity * 2) == 14
    marked = Annotated[str, *Entity.__metadata__]
    with pytest.raises(SaveError, match="is no int"):
        types.codec(marked).write("7", lambda entity: entity)
