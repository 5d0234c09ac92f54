"""Any component, resource or event of ours to JSON and back, equal to what it was.

Left out on purpose: secrets (`OllamaAuth`, `HostSecret`) and running tasks (`ModelInstallationTask`).
Moments are RFC 3339 text in UTC, durations ISO 8601 text, sizes whole numbers of bytes.
"""

from __future__ import annotations

import math
from collections import deque
from types import GenericAlias
from typing import TypeVar, get_args, get_origin

import msgspec

from ecs_localai.components.authentication import OllamaAuth
from ecs_localai.components.installation import ModelInstallationTask
from ecs_localai.components.installation_errors import InstallationError
from ecs_localai.components.panel_intents import HostSecret

T = TypeVar("T")

_SAVED_BY_HAND = (HostSecret, OllamaAuth, InstallationError, ModelInstallationTask)


class CodecError(ValueError):
    """A value could not be turned into JSON, or JSON into a value. The message is a sentence."""


class EncodeError(CodecError):
    """A value holds something that JSON has no place for."""


class DecodeError(CodecError):
    """The JSON is damaged, or does not describe a value of the type asked for."""


def encode(value: object) -> bytes:
    """The value as JSON in UTF-8. Raises `EncodeError`."""
    plain = to_builtins(value)
    try:
        return msgspec.json.encode(plain)
    except (TypeError, ValueError, OverflowError) as error:
        raise EncodeError(_cannot_write(value, error)) from error


def to_builtins(value: object) -> object:
    """The value as dicts, lists, text, numbers, bools and None, fit for JSON. Raises `EncodeError`."""
    try:
        return _as_json(msgspec.to_builtins(value, enc_hook=_enc_hook, str_keys=True))
    except (TypeError, ValueError, OverflowError, RecursionError, NotImplementedError) as error:
        raise EncodeError(_cannot_write(value, error)) from error


def decode(data: bytes | str, type_: type[T]) -> T:
    """The value of this type that the JSON describes. Raises `DecodeError`."""
    try:
        return msgspec.json.decode(data, type=type_, dec_hook=_dec_hook)
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError, NotImplementedError) as error:
        name = getattr(type_, "__name__", str(type_))
        raise DecodeError(f"The data does not describe {name}: {_reason(error)}") from error


def _enc_hook(value: object) -> object:
    if isinstance(value, deque):
        return list(value)
    if isinstance(value, _SAVED_BY_HAND):
        return value.to_data()
    raise NotImplementedError(f"a {type(value).__name__} is none of our data types")


def _dec_hook(type_: type, data: object) -> object:
    if get_origin(type_) is deque:
        (item_type,) = get_args(type_)
        items: list[object] = msgspec.convert(data, GenericAlias(list, (item_type,)), dec_hook=_dec_hook)
        return deque(items)
    if isinstance(type_, type) and issubclass(type_, _SAVED_BY_HAND):
        return type_.from_data(data)
    raise NotImplementedError(f"{type_.__name__} is none of our data types")


def _as_json(plain: object) -> object:
    """The same as it comes back from JSON: lists for the tuples that msgspec leaves. Changes what it is given.

    JSON has no NaN and no infinity, and msgspec would write null for them without a word: they are refused.
    """
    if isinstance(plain, float):
        if not math.isfinite(plain):
            raise ValueError(f"the number {plain} has no place in JSON; use None for what was not measured")
    elif isinstance(plain, dict):
        for key, item in plain.items():
            plain[key] = _as_json(item)
    elif isinstance(plain, list):
        plain[:] = map(_as_json, plain)
    elif isinstance(plain, tuple):
        return [_as_json(item) for item in plain]
    return plain


def _reason(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return text if text.endswith(".") else text + "."


def _cannot_write(value: object, error: Exception) -> str:
    return f"{type(value).__name__} cannot be written as JSON: {_reason(error)}"
