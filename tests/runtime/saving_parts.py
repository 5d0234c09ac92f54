"""Components of many makes for the tests of saving and loading."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, Flag, IntEnum, StrEnum, auto
from typing import Annotated, Generic, Literal, NamedTuple, TypeVar
from uuid import UUID

import msgspec

from ecs_localai.runtime import App, IoTaskPool, States, Task
from ecs_localai.runtime.entity import Entity
from ecs_localai.runtime.saving.marks import NotSaved
from ecs_localai.runtime.type_registry import TypeRegistry

T = TypeVar("T")


class Mode(States):
    """The states of a game."""

    MENU = auto()
    PLAY = auto()


class Colour(Enum):
    """Values that JSON does not know."""

    RED = (255, 0, 0)
    GREEN = (0, 255, 0)


class Level(IntEnum):
    """Numbers with names."""

    LOW = 1
    HIGH = 2


class Material(StrEnum):
    """Text with names."""

    WOOD = "wood"
    STONE = "stone"


class Rights(Flag):
    """May be combined."""

    READ = auto()
    WRITE = auto()


@dataclass(frozen=True, slots=True)
class Position:
    """A frozen component."""

    x: float
    y: float = 0.0


class Velocity(msgspec.Struct):
    """A struct."""

    dx: float
    dy: float = 0.0


class Cell(NamedTuple):
    """A named tuple."""

    column: int
    row: int = 0


class Name(str):
    """Text of its own type."""

    __slots__ = ()


class Bag(list[object]):
    """A list of its own type."""


@dataclass
class Marker:
    """A component without fields."""


@dataclass(slots=True)
class Item:
    """Part of an inventory."""

    title: str
    weight: float = 1.0
    made_of: Material = Material.WOOD
    inside: list[Item] = field(default_factory=list)


@dataclass(slots=True)
class Inventory:
    """Containers of containers."""

    items: dict[str, Item] = field(default_factory=dict)
    by_cell: dict[tuple[int, int], list[Item]] = field(default_factory=dict)
    by_level: dict[Level, frozenset[int]] = field(default_factory=dict)
    sizes: set[tuple[int, str]] = field(default_factory=set)
    last: deque[Item] = field(default_factory=deque)
    counts: Counter[str] = field(default_factory=Counter)
    rights: Rights = Rights.READ
    colour: Colour | None = None
    mood: Literal["calm", "cross"] = "calm"


@dataclass(slots=True)
class Moments:
    """What msgspec writes as one piece."""

    at: datetime
    lasts: timedelta = timedelta(0)
    day: date = date(2026, 1, 1)
    hour: time = time(12)
    raw: bytes = b""
    price: Decimal = Decimal(0)
    key: UUID | None = None


@dataclass(slots=True)
class Several:
    """Fields of one type or another."""

    one: int | str | None = None
    two: float | str = 0.0
    three: Position | Cell | list[int] | None = None
    four: Position | Velocity | None = None
    five: object = None
    six: Sequence[int] = ()
    seven: Mapping[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class Seat:
    """Refers to an entity, inside of a component that does."""

    who: Entity
    number: int = 0


@dataclass(slots=True)
class Links:
    """Refers to entities everywhere."""

    parent: Entity | None = None
    children: list[Entity] = field(default_factory=list)
    pair: tuple[Entity, int] | None = None
    names: dict[str, Entity] = field(default_factory=dict)
    seats: dict[Entity, Seat] = field(default_factory=dict)
    friends: frozenset[Entity] = frozenset()
    nested: list[Seat | None] = field(default_factory=list)


@dataclass(slots=True)
class Box(Generic[T]):
    """A generic class."""

    content: T


@dataclass(slots=True)
class Boxes:
    """Generic classes with their arguments."""

    number: Box[int]
    owner: Box[Entity]
    owners: Box[list[Entity]]


class Plain:
    """A plain class with slots, one of them hidden."""

    __slots__ = ("__hidden", "_half", "never_set", "open")
    open: float
    never_set: int

    def __init__(self, value: float) -> None:
        self.open = value
        self._half = value / 2
        self.__hidden = (value, [value])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Plain):
            return NotImplemented
        return (self.open, self._half, self.__hidden) == (other.open, other._half, other.__hidden)

    __hash__ = None  # type: ignore[assignment]  # mutable


class Walker:
    """A plain class with a dict, an annotated reference and a field that is made anew."""

    goal: Entity
    drawn: Annotated[object, NotSaved()] = None

    def __init__(self, goal: Entity) -> None:
        self.goal = goal
        self.steps = [Cell(1, 2)]
        self.drawn = object()


@dataclass(slots=True)
class Sprite:
    """Has a field that is not saved."""

    path: str
    image: Annotated[object, NotSaved()] = None


@dataclass(slots=True)
class Work:
    """May hold a task."""

    name: str
    task: Task[int] | None = None


@dataclass(slots=True)
class Score:
    """A resource."""

    points: int = 0
    best: Entity | None = None
    history: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Rules:
    """A frozen resource."""

    lives: int = 3


EVERY_COMPONENT = (
    Position,
    Velocity,
    Cell,
    Name,
    Bag,
    Marker,
    Inventory,
    Moments,
    Several,
    Links,
    Boxes,
    Plain,
    Walker,
    Sprite,
    Work,
    Colour,
    Material,
)


def types_of(app: App) -> TypeRegistry:
    """The app's registry, with all the types above."""
    return app.init_resource(TypeRegistry).register(*EVERY_COMPONENT, Seat, Box, Score, Rules)


async def seven() -> int:
    """The work of a task."""
    return 7


def work(pool: IoTaskPool) -> Work:
    """A component that holds a task."""
    return Work("hard", pool.spawn(seven()))
