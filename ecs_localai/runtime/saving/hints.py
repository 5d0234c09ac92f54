"""Which codec belongs to an annotation."""

from __future__ import annotations

import asyncio
import collections.abc
import concurrent.futures
import dataclasses
import types as python_types
import typing
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import partial
from inspect import signature
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin
from uuid import UUID

import msgspec

from ecs_localai.runtime.entity import EntityReference
from ecs_localai.runtime.saving.codec import (
    BOOL,
    INT,
    NONE,
    TEXT,
    CheckedCodec,
    Codec,
    EntityCodec,
    EnumCodec,
    FloatCodec,
    LeafCodec,
    MisdeclaredCodec,
    shape_of,
)
from ecs_localai.runtime.saving.collections import DequeCodec, DictCodec, ItemsCodec, TupleCodec
from ecs_localai.runtime.saving.objects import (
    REMEDY,
    AttributesCodec,
    DerivedCodec,
    FieldsCodec,
    OwnWordsCodec,
    RefusedCodec,
    filled,
    hints_of,
    is_plain_class,
)
from ecs_localai.runtime.saving.unions import DynamicCodec, KnownTypes, UnionCodec

_SCALARS: Final[dict[object, Codec]] = {
    None: NONE,
    type(None): NONE,
    bool: BOOL,
    int: INT,
    float: FloatCodec(),
    str: TEXT,
    **{
        kind: LeafCodec(kind, ("text",), kind)
        for kind in (bytes, bytearray, datetime, date, time, timedelta, Decimal, UUID)
    },
}
_ITEMS: Final = (list, set, frozenset, deque)
_DICTS: Final = (dict, Counter, OrderedDict)
_BASES: Final = (int, float, str, bytes, *_DICTS, *_ITEMS, tuple)
"""Python's own classes that others derive from."""
_ABSTRACT: Final[dict[object, tuple[type, ...]]] = {
    collections.abc.Sequence: (list, tuple),
    collections.abc.Collection: (list, tuple),
    collections.abc.Iterable: (list, tuple),
    collections.abc.MutableSequence: (list,),
    collections.abc.Set: (set, frozenset),
    collections.abc.MutableSet: (set,),
    collections.abc.Mapping: (dict,),
    collections.abc.MutableMapping: (dict,),
}
"""What stands behind an abstract collection: one of Python's own."""
_RUNNING: Final = (
    asyncio.Future,
    asyncio.AbstractEventLoop,
    concurrent.futures.Future,
    python_types.CoroutineType,
    python_types.GeneratorType,
)
_OUR_RUNTIME: Final = "ecs_localai.runtime."


def make_codec(types: KnownTypes, hint: object) -> Codec:
    """A codec for values of this annotation."""
    if isinstance(hint, Codec):
        return hint
    origin = get_origin(hint)
    if origin is Annotated:  # first, because its notes may have no hash
        return _annotated(types, hint)
    if hint in _SCALARS:
        return _SCALARS[hint]
    if hint is Any or hint is object or isinstance(hint, TypeVar):
        return DynamicCodec(types)
    if isinstance(hint, typing.NewType):
        return types.codec(hint.__supertype__)
    if hasattr(hint, "__value__"):  # `type Name = …`, or `type Name[T] = …` with its arguments
        parameters: tuple[object, ...] = getattr(hint, "__type_params__", ())
        return types.codec(filled(hint.__value__, dict(zip(parameters, get_args(hint), strict=False))))
    if origin in (Union, python_types.UnionType):
        return _union(types, get_args(hint))
    if origin is Literal:
        return LeafCodec(hint, {shape_of(value) for value in get_args(hint)}, None)
    if origin in (typing.Final, typing.ClassVar):
        return types.codec(get_args(hint)[0])
    kind = origin if origin is not None else hint
    if typing.is_typeddict(kind):
        return MisdeclaredCodec("a TypedDict does not say at run time what its values are. Use a dataclass instead.")
    if kind in _ABSTRACT:
        return _one_of(types, _ABSTRACT[kind], get_args(hint))
    if isinstance(kind, type):
        return _collection(types, kind, get_args(hint)) or _object(types, kind, get_args(hint))
    return MisdeclaredCodec(f"a field that is declared {hint} is no data. {REMEDY}")


def _annotated(types: KnownTypes, hint: object) -> Codec:
    base, *notes = get_args(hint)
    if any(isinstance(note, EntityReference) for note in notes):
        if base is not int:
            return MisdeclaredCodec(f"{hint} marks something as an entity's id that is no int. Mark the int inside.")
        return EntityCodec()
    inner = types.codec(base)
    is_scalar = base in _SCALARS and any(isinstance(note, msgspec.Meta) for note in notes)
    return CheckedCodec(inner, hint) if is_scalar else inner


def _union(types: KnownTypes, options: tuple[object, ...]) -> Codec:
    if float in options:  # stands for whole numbers too
        options = tuple(one for one in options if one is not int)
    codecs = [types.codec(one) for one in options]
    return codecs[0] if len(codecs) == 1 else UnionCodec(types, codecs)


def _one_of(types: KnownTypes, kinds: tuple[type, ...], arguments: tuple[object, ...]) -> Codec:
    codecs: list[Codec] = []
    for kind in kinds:
        is_open = kind is tuple and bool(arguments)
        codec = _collection(types, kind, (*arguments, ...) if is_open else arguments)
        codecs += [codec] if codec is not None else []
    return codecs[0] if len(codecs) == 1 else UnionCodec(types, codecs)


def _collection(types: KnownTypes, kind: type, arguments: tuple[object, ...]) -> Codec | None:
    if kind is tuple:
        if not arguments:
            return ItemsCodec(tuple, types.codec(object))
        if len(arguments) == 2 and arguments[1] is ...:
            return ItemsCodec(tuple, types.codec(arguments[0]))
        return TupleCodec(tuple(types.codec(one) for one in arguments))
    if kind is deque:
        return DequeCodec(types.codec(arguments[0] if arguments else object))
    if kind in _ITEMS:
        return ItemsCodec(kind, types.codec(arguments[0] if arguments else object))
    if kind is Counter:
        return DictCodec(kind, types.codec(arguments[0] if arguments else object), FloatCodec())
    if kind in _DICTS:
        key, value = arguments or (object, object)
        return DictCodec(kind, types.codec(key), types.codec(value))
    return None


def _object(types: KnownTypes, kind: type, arguments: tuple[object, ...]) -> Codec:
    is_data = dataclasses.is_dataclass(kind) or issubclass(kind, (Enum, msgspec.Struct))
    if issubclass(kind, _RUNNING) or (kind.__module__.startswith(_OUR_RUNTIME) and not is_data):
        why = f"a {kind.__name__} belongs to the running program and is never saved."
        return RefusedCodec(types, kind, why, is_running_work=True)
    to_data, from_data = getattr(kind, "to_data", None), getattr(kind, "from_data", None)
    if callable(to_data) and callable(from_data):
        return OwnWordsCodec(types, kind, to_data, from_data)
    if issubclass(kind, Enum):
        return EnumCodec(kind) if kind.__members__ else DynamicCodec(types, kind)
    if getattr(kind, "_is_protocol", False):
        return DynamicCodec(types)
    parameters: tuple[object, ...] = getattr(kind, "__parameters__", ())
    given = dict(zip(parameters, arguments, strict=False))  # nothing for a generic class without its arguments
    hints = partial(hints_of, types, kind, given)
    if issubclass(kind, msgspec.Struct) or (issubclass(kind, tuple) and hasattr(kind, "_fields")):
        return FieldsCodec(types, kind, hints)
    if _is_made_of_its_fields(kind):
        return FieldsCodec(types, kind, hints)
    if issubclass(kind, defaultdict):
        why = "the factory of a defaultdict cannot be written down. Use a dict and its setdefault()."
        return RefusedCodec(types, kind, why)
    base = next((one for one in _BASES if issubclass(kind, one)), None)
    if base is not None:
        return DerivedCodec(types, kind, base)
    if is_plain_class(kind):
        return AttributesCodec(types, kind, hints)
    return RefusedCodec(types, kind, f"a {kind.__module__}.{kind.__qualname__} is no data. {REMEDY}")


def _is_made_of_its_fields(kind: type) -> bool:
    """Whether a dataclass's constructor takes its fields and needs nothing else, such as an ``InitVar``."""
    if not dataclasses.is_dataclass(kind):
        return False
    taken = signature(kind).parameters
    needed = {name for name, one in taken.items() if one.default is one.empty}
    fields = {field.name for field in dataclasses.fields(kind) if field.init}
    return needed <= fields <= taken.keys()
