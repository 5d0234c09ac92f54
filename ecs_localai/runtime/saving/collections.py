"""How lists, sets, tuples and dicts are written as JSON data and read back."""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Callable, Iterable

from ecs_localai.runtime.saving.codec import TAG, Codec, Refer, shown, unfit, unread, within
from ecs_localai.runtime.saving.errors import LoadError, SavedWorldError


class ItemsCodec(Codec):
    """Lists, sets and tuples of any length, with all items of one type. Sets are sorted."""

    shapes = frozenset({"list"})

    def __init__(self, kind: type, item: Codec) -> None:
        self._kind = kind
        self._item = item
        self._sorted = issubclass(kind, (set, frozenset))

    @property
    def tag(self) -> type | None:
        return self._kind

    def accepts(self, value: object) -> bool:
        return type(value) is self._kind

    def write(self, value: object, refer: Refer) -> object:
        if type(value) is not self._kind or not isinstance(value, Iterable):
            raise unfit(f"a {self._kind.__name__}", value)
        data = _each(self._item.write, value, refer)
        return sorted(data, key=_order) if self._sorted else data

    def read(self, data: object, refer: Refer) -> object:
        items = _list(data)
        read = _each(self._item.read, items, refer)
        if self._sorted:
            _check_hashable(read)
        value: object = self._kind(read)
        if self._sorted and isinstance(value, (set, frozenset)) and len(value) != len(read):
            raise LoadError("an item is there twice. Each belongs into a set once.")
        return value


class DequeCodec(ItemsCodec):
    """Deques: a list; of one that has a greatest length, an object with that beside the list."""

    shapes = frozenset({"list", "object"})

    def __init__(self, item: Codec) -> None:
        super().__init__(deque, item)

    def write(self, value: object, refer: Refer) -> object:
        data = super().write(value, refer)
        longest = value.maxlen if isinstance(value, deque) else None
        return data if longest is None else {"maxlen": longest, "items": data}

    def read(self, data: object, refer: Refer) -> object:
        if not isinstance(data, dict):
            return super().read(data, refer)
        longest, items = data.get("maxlen"), data.get("items")
        if data.keys() != {"maxlen", "items"} or type(longest) is not int or not isinstance(items, list):
            raise unread("a list, or an object with maxlen and items", data)
        if not len(items) <= longest <= sys.maxsize:
            raise LoadError(f"a deque of {len(items)} items cannot have the maxlen {shown(longest)}.")
        return deque(_each(self._item.read, items, refer), longest)


class TupleCodec(Codec):
    """Tuples with a type for each position."""

    shapes = frozenset({"list"})

    def __init__(self, items: tuple[Codec, ...]) -> None:
        self._items = items

    @property
    def tag(self) -> type | None:
        return tuple

    def accepts(self, value: object) -> bool:
        return type(value) is tuple and len(value) == len(self._items)

    def write(self, value: object, refer: Refer) -> object:
        if not isinstance(value, tuple) or not self.accepts(value):
            raise unfit(f"a tuple of {len(self._items)}", value)
        return [
            within(step, codec.write, item, refer)
            for step, (codec, item) in enumerate(zip(self._items, value, strict=True))
        ]

    def read(self, data: object, refer: Refer) -> object:
        items = _list(data)
        if len(items) != len(self._items):
            raise LoadError(f"{len(self._items)} items belong here, not {len(items)}.")
        return tuple(
            within(step, codec.read, item, refer)
            for step, (codec, item) in enumerate(zip(self._items, items, strict=True))
        )


class DictCodec(Codec):
    """Dicts: a JSON object where all keys are text, else a list of pairs, in the dict's order."""

    shapes = frozenset({"object", "list"})

    def __init__(self, kind: type, key: Codec, value: Codec) -> None:
        self._kind = kind
        self._key = key
        self._value = value

    @property
    def tag(self) -> type | None:
        return self._kind

    def accepts(self, value: object) -> bool:
        return type(value) is self._kind

    def write(self, value: object, refer: Refer) -> object:
        if type(value) is not self._kind or not isinstance(value, dict):
            raise unfit(f"a {self._kind.__name__}", value)
        pairs = [
            (within(str(key), self._key.write, key, refer), within(str(key), self._value.write, item, refer))
            for key, item in value.items()
        ]
        data = {key: item for key, item in pairs if isinstance(key, str)}
        if len(data) == len(pairs) and TAG not in data and self._key.shapes == {"text"}:
            return data
        return [list(pair) for pair in pairs]

    def read(self, data: object, refer: Refer) -> object:
        read: list[tuple[object, object]] = []
        for step, pair in enumerate(data.items() if isinstance(data, dict) else _list(data)):
            if not isinstance(pair, (list, tuple)) or len(pair) != 2:
                raise unread(f"at {step}, a pair of a key and a value", pair)
            read.append(
                (
                    within(str(pair[0]), self._key.read, pair[0], refer),
                    within(str(pair[0]), self._value.read, pair[1], refer),
                )
            )
        _check_hashable([key for key, _ in read])
        value = dict(read)
        if len(value) != len(read):
            raise LoadError("a key is there twice. Remove one of the two.")
        return value if self._kind is dict else self._kind(value)


def _list(data: object) -> list[object]:
    if not isinstance(data, list):
        raise unread("a list", data)
    return data


def _check_hashable(items: list[object]) -> None:
    for step, item in enumerate(items):
        try:
            hash(item)
        except TypeError as error:
            raise LoadError(f"the item at {step} cannot be a key or in a set.") from error


def _each(do: Callable[[object, Refer], object], items: Iterable[object], refer: Refer) -> list[object]:
    done: list[object] = []
    try:
        for item in items:
            done.append(do(item, refer))  # noqa: PERF401 - its length says, when one fails, which it was
    except SavedWorldError as error:
        error.within(len(done))
        raise
    return done


def _order(data: object) -> tuple[bool, float, str]:
    """Numbers by size, so that entities keep their order when they get other ids, and the rest by its JSON."""
    if isinstance(data, (int, float)):
        return False, data, ""
    return True, 0, json.dumps(data, sort_keys=True)
