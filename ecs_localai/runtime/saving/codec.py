"""How values of one declared type are written as JSON data and read back: numbers, text, moments, enumerations.

Every codec reads exactly what it writes and refuses the rest, because a loaded world has to equal the saved one.
Codecs for lists and dicts are in `collections`, those for classes in `objects`, those for unions and undeclared values
in `unions`; `hints` finds the codec for an annotation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from decimal import Decimal
from enum import Enum, Flag
from typing import Final, TypeAlias

import msgspec

from ecs_localai.runtime.saving.errors import LoadError, SavedWorldError, SaveError

Refer: TypeAlias = Callable[[int], int]
"""Called with each entity id in a value; returns the one to put in its place."""
TAG: Final = "$type"
"""The key that names a value's type, where its place does not say it."""
VALUE: Final = "value"
"""The key beside it, of the value itself."""
_SHAPES: Final = {bool: "bool", int: "int", float: "float", str: "text", list: "list", dict: "object"}
_WORDS_FOR_FLOATS: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
"""JSON has no numbers for these; the words are those of Protocol Buffers' JSON."""


class Codec:
    """Writes values of one type and reads them back."""

    shapes: frozenset[str] = frozenset()
    """What its JSON can be: of "null", "bool", "int", "float", "text", "list" and "object"."""

    def accepts(self, value: object) -> bool:
        """Whether a value is probably one of this type; `write` looks closer."""
        raise NotImplementedError

    def write(self, value: object, refer: Refer) -> object:
        """The value as JSON data.

        Raises:
            SaveError: it is none of this type, or holds something that JSON has no place for.
        """
        raise NotImplementedError

    def read(self, data: object, refer: Refer) -> object:
        """The value that `write` made this of.

        Raises:
            LoadError: `write` never makes this.
        """
        raise NotImplementedError

    @property
    def tag(self) -> type | None:
        """The class of its values, by which those of a union are told apart; None if they have several."""
        return None


def shape_of(data: object) -> str:
    """Which of `Codec.shapes` JSON data has."""
    return "null" if data is None else _SHAPES[type(data)]


def tagged(kind_name: str, data: object) -> dict[str, object]:
    """Data together with the name of its type."""
    return {TAG: kind_name, VALUE: data}


def tag_of(data: object) -> str | None:
    """The type's name that the data carries; None for data without one."""
    if isinstance(data, dict) and data.keys() == {TAG, VALUE}:
        name = data[TAG]
        return name if isinstance(name, str) else None
    return None


def unfit(expected: str, value: object) -> SaveError:
    """The error of a value that is not what its annotation says."""
    return SaveError(
        f"{expected} is declared here, but it is {shown(value)}. Give the field the annotation of what it holds."
    )


def unread(expected: str, data: object) -> LoadError:
    """The error of data that is not what belongs there."""
    return LoadError(f"{expected} belongs here, not {shown(data)}.")


def shown(value: object) -> str:
    """A value in an error: itself if it is short, else what it is."""
    kind = type(value)
    if isinstance(value, int) and value.bit_length() > 1000:
        return "a very long whole number"  # Python refuses to write those with thousands of digits
    if value is None or kind in (bool, int, float, str):
        text = repr(value)
        return text if len(text) <= 60 else f"{text[:60]}… ({kind.__name__})"
    return {"dict": "an object", "list": "a list"}.get(kind.__name__, f"a {kind.__module__}.{kind.__qualname__}")


def within(step: str | int, do: Callable[[object, Refer], object], item: object, refer: Refer) -> object:
    """Write or read what is inside of something, under this name or at this position."""
    try:
        return do(item, refer)
    except SavedWorldError as error:
        error.within(step)
        raise


class MisdeclaredCodec(Codec):
    """A field whose annotation allows nothing that can be saved."""

    def __init__(self, why: str) -> None:
        self._why = why

    def accepts(self, value: object) -> bool:
        return True

    def write(self, value: object, refer: Refer) -> object:
        raise SaveError(self._why)

    def read(self, data: object, refer: Refer) -> object:
        raise LoadError(self._why)


class ExactCodec(Codec):
    """None, bools, whole numbers and text, which JSON has itself.

    Values of derived classes that are equal to one of the class itself, such as those of numpy or a ``StrEnum``,
    come back as one of the class itself.
    """

    def __init__(self, kind: type, shape: str, expected: str) -> None:
        self._kind = kind
        self._expected = expected
        self.shapes = frozenset({shape})

    @property
    def tag(self) -> type | None:
        return self._kind

    def accepts(self, value: object) -> bool:
        return isinstance(value, self._kind) and (self._kind is bool or not isinstance(value, bool))

    def write(self, value: object, refer: Refer) -> object:
        if type(value) is self._kind:
            return value
        if self.accepts(value):
            plain = _bare(value)
            if plain == value:
                return plain
        raise unfit(self._expected, value)

    def read(self, data: object, refer: Refer) -> object:
        if type(data) is not self._kind:
            raise unread(self._expected, data)
        return data


def _bare(value: object) -> object:
    """What a value of a derived class is without it. Of an enumeration, ``str`` would be the member's name."""
    if isinstance(value, int):
        return int(value)
    return str.__str__(value) if isinstance(value, str) else value


NONE: Final = ExactCodec(type(None), "null", "None")
BOOL: Final = ExactCodec(bool, "bool", "a bool")
INT: Final = ExactCodec(int, "int", "a whole number")
TEXT: Final = ExactCodec(str, "text", "text")


class FloatCodec(Codec):
    """Numbers: a whole one stays whole, as Python lets an ``int`` stand for a ``float``; NaN and infinity are words."""

    shapes = frozenset({"int", "float", "text"})

    @property
    def tag(self) -> type | None:
        return float

    def accepts(self, value: object) -> bool:
        return isinstance(value, (float, int)) and not isinstance(value, bool)

    def write(self, value: object, refer: Refer) -> object:
        if isinstance(value, float):
            if math.isfinite(value):
                return float(value)
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        if self.accepts(value):
            return INT.write(value, refer)
        raise unfit("a number", value)

    def read(self, data: object, refer: Refer) -> object:
        if type(data) in (float, int):
            return data
        number = _WORDS_FOR_FLOATS.get(data) if isinstance(data, str) else None
        if number is None:
            raise unread("a number", data)
        return number


class LeafCodec(Codec):
    """Values that msgspec writes as one piece: moments, durations, bytes, UUIDs, decimals and literals."""

    def __init__(self, hint: object, shapes: Iterable[str], kind: type | None) -> None:
        self._hint = hint
        self._kind = kind
        self.shapes = frozenset(shapes)

    @property
    def tag(self) -> type | None:
        return self._kind

    def accepts(self, value: object) -> bool:
        return self._kind is None or type(value) is self._kind

    def write(self, value: object, refer: Refer) -> object:
        if not self.accepts(value):
            raise unfit(_called(self._hint), value)
        try:
            data: object = msgspec.to_builtins(value)
            back: object = msgspec.convert(data, self._hint)
        except (msgspec.MsgspecError, TypeError, ValueError, OverflowError) as error:
            raise SaveError(f"{value!r} cannot be written as {_called(self._hint)}: {error}") from error
        if type(back) is not type(value) or not _is_same(back, value):
            raise SaveError(f"{value!r} cannot be written exactly: it would come back as {back!r}.")
        return data

    def read(self, data: object, refer: Refer) -> object:
        return _converted(data, self._hint)


class CheckedCodec(Codec):
    """Values with ``msgspec.Meta`` rules in their annotation, which are kept when reading."""

    def __init__(self, inner: Codec, hint: object) -> None:
        self._inner = inner
        self._hint = hint
        self.shapes = inner.shapes

    @property
    def tag(self) -> type | None:
        return self._inner.tag

    def accepts(self, value: object) -> bool:
        return self._inner.accepts(value)

    def write(self, value: object, refer: Refer) -> object:
        return self._inner.write(value, refer)

    def read(self, data: object, refer: Refer) -> object:
        return _converted(self._inner.read(data, refer), self._hint)


def _is_same(back: object, value: object) -> bool:
    if isinstance(back, Decimal):  # one that is no number equals nothing, or cannot be compared at all
        return str(back) == str(value)
    return back == value


def _converted(data: object, hint: object) -> object:
    try:
        value: object = msgspec.convert(data, hint)
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError) as error:
        raise LoadError(f"{_called(hint)} belongs here: {error}.") from error
    return value


def _called(hint: object) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint)


class EnumCodec(Codec):
    """Members of an enumeration by name, which stays when others come in between; combined flags by number."""

    def __init__(self, kind: type[Enum]) -> None:
        self._kind = kind
        self._is_flag = issubclass(kind, Flag)
        self.shapes = frozenset({"int"} if self._is_flag else {"text"})

    @property
    def tag(self) -> type | None:
        return self._kind

    def accepts(self, value: object) -> bool:
        return type(value) is self._kind

    def write(self, value: object, refer: Refer) -> object:
        if type(value) is not self._kind or not isinstance(value, Enum):
            raise unfit(self._kind.__name__, value)
        return int(value.value) if self._is_flag else value.name

    def read(self, data: object, refer: Refer) -> object:
        if self._is_flag:
            try:
                return self._kind(INT.read(data, refer))
            except ValueError as error:
                raise unread(self._kind.__name__, data) from error
        member = self._kind.__members__.get(data) if isinstance(data, str) else None
        if member is None:
            names = ", ".join(self._kind.__members__)
            raise unread(f"{self._kind.__name__}, one of {names},", data)
        return member


class EntityCodec(Codec):
    """Entity ids, which are other ones after loading."""

    shapes = frozenset({"int"})

    @property
    def tag(self) -> type | None:
        return int

    def accepts(self, value: object) -> bool:
        return type(value) is int

    def write(self, value: object, refer: Refer) -> object:
        if type(value) is not int:
            raise unfit("an entity's id", value)
        return refer(value)

    def read(self, data: object, refer: Refer) -> object:
        if type(data) is not int:
            raise unread("an entity's id", data)
        return refer(data)
