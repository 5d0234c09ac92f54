"""How values are written whose place allows several types, or does not say which."""

from __future__ import annotations

from collections import Counter, deque
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final, Protocol
from uuid import UUID

from ecs_localai.runtime.saving.codec import (
    NONE,
    TAG,
    VALUE,
    Codec,
    Refer,
    shape_of,
    shown,
    tag_of,
    tagged,
    unread,
)
from ecs_localai.runtime.saving.errors import LoadError, RunningWorkError, SavedWorldError, SaveError, UnknownTypeError

EVERY_SHAPE: Final = frozenset({"null", "bool", "int", "float", "text", "list", "object"})
_OF_PYTHON: Final = (
    float, list, tuple, set, frozenset, dict, deque, Counter, bytes, bytearray,
    datetime, date, time, timedelta, Decimal, UUID, bool, int, str, type(None),
)  # fmt: skip
"""Types that need not be registered to be found by name."""


class KnownTypes(Protocol):
    """What codecs ask the `TypeRegistry`."""

    def name_of(self, kind: type) -> str:
        """The name that a type is written under."""

    def kind_of(self, name: str) -> type:
        """The registered type of this name."""

    def codec(self, hint: object) -> Codec:
        """What writes and reads values of this annotation."""

    def register(self, *kinds: type) -> object:
        """Make types known by their names."""


_BY_NAME: Final = {f"{kind.__module__}.{kind.__qualname__}": kind for kind in _OF_PYTHON}


def write_tagged(types: KnownTypes, value: object, refer: Refer) -> object:
    """A value with the name of its own type, whatever was declared."""
    kind = type(value)
    codec = types.codec(kind)
    data = codec.write(value, refer)
    if kind not in _OF_PYTHON:
        types.register(kind)
    return tagged(types.name_of(kind), data)


def read_tagged(types: KnownTypes, name: str, data: object, refer: Refer) -> object:
    """The value that `write_tagged` wrote.

    Raises:
        UnknownTypeError: the type is not registered.
    """
    kind = _BY_NAME.get(name) or types.kind_of(name)
    return types.codec(kind).read(_inner(data), refer)


def _inner(data: object) -> object:
    return data[VALUE] if isinstance(data, dict) else data


class DynamicCodec(Codec):
    """Values without a useful annotation: JSON's own as they are, all others with the name of their type."""

    shapes = EVERY_SHAPE

    def __init__(self, types: KnownTypes, bound: type = object) -> None:
        self._types = types
        self._bound = bound

    def accepts(self, value: object) -> bool:
        return isinstance(value, self._bound)

    def write(self, value: object, refer: Refer) -> object:
        if not isinstance(value, self._bound):
            raise SaveError(f"a {self._bound.__name__} is declared here, but it is a {type(value).__name__}.")
        kind = type(value)
        if value is None or kind in (bool, int, str):
            return value
        types = self._types
        if kind is float:
            data = types.codec(float).write(value, refer)
            return data if type(data) is float else tagged(types.name_of(float), data)
        if kind is list:
            return types.codec(list).write(value, refer)
        if isinstance(value, dict) and kind is dict and TAG not in value and all(type(key) is str for key in value):
            return types.codec(dict[str, object]).write(value, refer)
        return write_tagged(types, value, refer)

    def read(self, data: object, refer: Refer) -> object:
        name = tag_of(data)
        if name is not None:
            value = read_tagged(self._types, name, data, refer)
        elif isinstance(data, dict):
            value = self._types.codec(dict[str, object]).read(data, refer)
        elif isinstance(data, list):
            value = self._types.codec(list).read(data, refer)
        else:
            value = data
        if not isinstance(value, self._bound):
            raise unread(f"a {self._bound.__name__}", value)
        return value


class UnionCodec(Codec):
    """One of several types, told apart by the JSON's shape; where that cannot tell, by the type's name beside it."""

    def __init__(self, types: KnownTypes, options: list[Codec]) -> None:
        self._types = types
        self._options = options
        self.shapes = frozenset().union(*(one.shapes for one in options))
        self._has_names = sum(len(one.shapes) for one in options) > len(self.shapes)
        self._any = DynamicCodec(types)

    def accepts(self, value: object) -> bool:
        return any(one.accepts(value) for one in self._options)

    def write(self, value: object, refer: Refer) -> object:
        kind = type(value)
        exact = [one for one in self._options if one.tag is kind]
        others = [one for one in self._options if one not in exact and one.accepts(value)]
        last: SavedWorldError | None = None
        for option in (*exact, *others):
            try:
                data = option.write(value, refer)
            except RunningWorkError:
                raise
            except SaveError as error:
                last = error
                continue
            if self._has_names and option.tag is kind and value is not None:
                return tagged(self._types.name_of(kind), data)
            return data
        raise last or SaveError(f"the annotation does not allow a {kind.__module__}.{kind.__qualname__}.")

    def read(self, data: object, refer: Refer) -> object:
        name = tag_of(data)
        if name is None:
            return self._first([one for one in self._options if shape_of(data) in one.shapes], data, data, refer)
        named = [one for one in self._options if one.tag is not None and self._types.name_of(one.tag) == name]
        if named:
            return self._first(named, _inner(data), data, refer)
        value = self._any.read(data, refer)
        if not self.accepts(value):
            raise LoadError(f"{name} does not belong here.")
        return value

    def _first(self, options: list[Codec], data: object, whole: object, refer: Refer) -> object:
        last: SavedWorldError | None = None
        for option in options:
            try:
                return option.read(data, refer)
            except UnknownTypeError:
                raise
            except LoadError as error:
                last = error
        raise last or LoadError(f"no type that is declared here fits {shown(whole)}.")


class UnresolvedCodec(Codec):
    """A field whose annotation names what only a type checker imports: nothing but None can be known to fit it."""

    shapes = frozenset({"null"})

    def __init__(self, types: KnownTypes, annotation: str) -> None:
        self._types = types
        self._annotation = annotation

    def accepts(self, value: object) -> bool:
        return value is None

    def write(self, value: object, refer: Refer) -> object:
        if value is None:
            return None
        self._types.codec(type(value)).write(value, refer)  # says so if it belongs to the running program
        raise SaveError(
            f"its annotation {self._annotation} cannot be read while the program runs. Import the names in it at the "
            f"top of the module, not under TYPE_CHECKING."
        )

    def read(self, data: object, refer: Refer) -> object:
        return NONE.read(data, refer)
