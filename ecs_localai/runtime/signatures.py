"""What a function takes: its parameters, and their annotations as objects.

Python's own `inspect.signature` and `typing.get_type_hints` know every case, and take as long as importing the systems
of a small program. Nearly all systems are plain functions, which are quick to read; those two do the rest.
"""

from __future__ import annotations

import functools
import inspect
import sys
import types
from collections.abc import Callable, Mapping
from typing import Final, ForwardRef, get_args, get_type_hints
from weakref import WeakKeyDictionary

from ecs_localai.runtime.errors import SystemParamError
from ecs_localai.runtime.sets import ConfigItem, SystemFunction, configs

_known: Final[WeakKeyDictionary[types.FunctionType, Mapping[str, object]]] = WeakKeyDictionary()
"""What has been read, for the next app and for a late plugin."""


def parameter_names(function: SystemFunction, name: str) -> list[str]:
    """The parameters that are to be supplied, in their order.

    Raises:
        SystemParamError: one of them is not positional.
    """
    if isinstance(function, types.FunctionType) and not hasattr(function, "__wrapped__"):
        code = function.__code__
        if not (code.co_kwonlyargcount or code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS)):
            return list(code.co_varnames[: code.co_argcount])
    names: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is not parameter.empty:
            continue  # the function's own business, as with functools.partial(system, limit=3)
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.KEYWORD_ONLY):
            raise SystemParamError(
                f"System {name}: parameter '{parameter.name}' cannot be supplied: systems take plain "
                f"positional parameters only. One after the * with a default is left alone: *, limit: int = 3."
            )
        names.append(parameter.name)
    return names


def annotations_of(function: SystemFunction, name: str) -> Mapping[str, object]:
    """A function's annotations as objects, with names of an enclosing function found too.

    Raises:
        SystemParamError: an annotation names something that cannot be found.
    """
    target = function
    while isinstance(target, functools.partial):
        target = target.func
    if not isinstance(target, types.FunctionType) or hasattr(target, "__wrapped__"):
        target = inspect.unwrap(target if inspect.isroutine(target) else type(target).__call__)
    elif (found := _plainly_written(target)) is not None:
        return found
    try:
        try:
            return get_type_hints(target, include_extras=True)
        except NameError:
            return get_type_hints(target, localns=_local_names(target), include_extras=True)
    except (NameError, AttributeError) as error:
        raise SystemParamError(
            f"System {name}: an annotation cannot be understood: {error}. Import the name where the system is "
            f"defined, not only under TYPE_CHECKING."
        ) from None
    except (TypeError, SyntaxError) as error:
        raise SystemParamError(f"System {name}: an annotation cannot be understood: {error}.") from None


def _local_names(function: Callable[..., object]) -> dict[str, object]:
    """What an annotation kept as text may mean besides globals: names of the functions around this one.

    `from __future__ import annotations` keeps only the text, and components may be local to the function that is
    adding the system (as in a test): that function's frame is among our callers.
    """
    code = getattr(function, "__code__", None)
    if not isinstance(code, types.CodeType):
        return {}
    closure = getattr(function, "__closure__", None) or ()
    names = {name: cell.cell_contents for name, cell in zip(code.co_freevars, closure, strict=True) if _filled(cell)}
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None:
        if _encloses(frame.f_code, code):
            for name, value in frame.f_locals.items():
                names.setdefault(name, value)
        frame = frame.f_back
    return names


def _filled(cell: types.CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - asking is the only way to know
    except ValueError:
        return False
    return True


def _encloses(outer: types.CodeType, inner: types.CodeType) -> bool:
    return any(
        constant is inner or _encloses(constant, inner)
        for constant in outer.co_consts
        if isinstance(constant, types.CodeType)
    )


def read_ahead(*systems: ConfigItem) -> None:
    """Read what these systems ask for, which takes most of the time of adding them. In any thread."""
    for node in configs(*systems).nodes:
        if isinstance(node.target, types.FunctionType):
            _plainly_written(node.target)


def _plainly_written(function: types.FunctionType) -> Mapping[str, object] | None:
    """Annotations that are texts, each an expression of global names; None if there is more to them than that."""
    known = _known.get(function)
    if known is not None:
        return known
    found: dict[str, object] = {}
    try:
        for name, text in function.__annotations__.items():
            if not isinstance(text, str) or '"' in text or "'" in text:
                return None
            value: object = eval(text, function.__globals__)  # as typing.get_type_hints does
            if value is None:
                value = types.NoneType
            if not (callable(value) or isinstance(value, types.UnionType)) or _is_unresolved(value):
                return None
            found[name] = value
    except Exception:  # noqa: BLE001 - what is wrong is said by the one that knows every case
        return None
    _known[function] = found
    return found


def _is_unresolved(hint: object) -> bool:
    """Whether a name in it is still text, as in an alias ``Query["Player"]``."""
    return isinstance(hint, str | ForwardRef) or any(_is_unresolved(part) for part in get_args(hint))
