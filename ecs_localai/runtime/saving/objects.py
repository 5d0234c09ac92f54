"""How objects are written: data classes, named tuples, plain classes, and classes that say it themselves."""

from __future__ import annotations

import dataclasses
import sys
import typing
from collections.abc import Callable
from inspect import get_annotations
from typing import Final, NamedTuple

import msgspec

from ecs_localai.runtime.saving.codec import Codec, Refer, tag_of, unfit, unread, within
from ecs_localai.runtime.saving.errors import LoadError, RunningWorkError, SavedWorldError, SaveError
from ecs_localai.runtime.saving.marks import NotSaved
from ecs_localai.runtime.saving.unions import KnownTypes, UnresolvedCodec, read_tagged, write_tagged

REMEDY: Final = (
    "Give its class to_data() and from_data(), tell the TypeRegistry how to write it with register_as(), "
    "or leave out the component that holds it with leave_out()."
)


class ObjectCodec(Codec):
    """Base for objects of a class: those of a derived class are written with the name of theirs."""

    shapes = frozenset({"object"})

    def __init__(self, types: KnownTypes, kind: type) -> None:
        self.types = types
        self.kind = kind

    @property
    def tag(self) -> type | None:
        return self.kind

    def accepts(self, value: object) -> bool:
        return isinstance(value, self.kind)

    def write(self, value: object, refer: Refer) -> object:
        if type(value) is self.kind:
            return self.write_object(value, refer)
        if isinstance(value, self.kind):
            return write_tagged(self.types, value, refer)
        raise unfit(f"a {self.kind.__name__}", value)

    def read(self, data: object, refer: Refer) -> object:
        name = tag_of(data)
        value = self.read_object(data, refer) if name is None else read_tagged(self.types, name, data, refer)
        if not isinstance(value, self.kind):
            raise unread(f"a {self.kind.__name__}", value)
        return value

    def write_object(self, value: object, refer: Refer) -> object:
        """`write` for an object of exactly this class."""
        raise NotImplementedError

    def read_object(self, data: object, refer: Refer) -> object:
        """`read` for an object of exactly this class."""
        raise NotImplementedError

    def made(self, make: Callable[[], object]) -> object:
        """What a class's own code makes of read data; whatever it raises means that the data is wrong."""
        try:
            return make()
        except SavedWorldError:
            raise
        except Exception as error:
            raise self.refused(error) from error

    def refused(self, error: Exception) -> LoadError:
        """What to raise where a class's own code raised this."""
        return LoadError(f"{self.kind.__name__} refuses what is here: {type(error).__name__}: {error}")


_UNSET: Final = object()
_PARAMETERS: Final = "__dataclass_params__"
"""Where a dataclass keeps how it was made, its bases' included."""


class _Field(NamedTuple):
    codec: Codec
    in_constructor: bool
    is_required: bool


class FieldsCodec(ObjectCodec):
    """Dataclasses, msgspec's structs and named tuples: an object of their fields, made again by their constructor.

    So the rules in ``__post_init__`` hold for what is read. A field that the data lacks gets its default; one that
    the class does not have is refused.
    """

    def __init__(self, types: KnownTypes, kind: type, hints: Callable[[], dict[str, object]]) -> None:
        super().__init__(types, kind)
        self._hints = hints
        self._fields: dict[str, _Field] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that are saved."""
        return tuple(self._all())

    @property
    def is_frozen(self) -> bool:
        """Whether the fields of an object cannot be set anew."""
        if issubclass(self.kind, msgspec.Struct):
            return self.kind.__struct_config__.frozen
        return issubclass(self.kind, tuple) or getattr(self.kind, _PARAMETERS).frozen is True

    def write_object(self, value: object, refer: Refer) -> object:
        data: dict[str, object] = {}
        for name, (codec, _, _) in self._all().items():
            held: object = getattr(value, name, _UNSET)
            if held is _UNSET:
                raise SaveError(f"the field {name} was never set. Set it in the constructor.")
            data[name] = within(name, codec.write, held, refer)
        return data

    def read_object(self, data: object, refer: Refer) -> object:
        if not isinstance(data, dict):
            raise unread(f"an object with the fields of {self.kind.__name__}", data)
        fields = self._all()
        if unknown := data.keys() - fields.keys():
            raise LoadError(f"{self.kind.__name__} has no field {min(unknown)}; it has {', '.join(fields) or 'none'}.")
        given: dict[str, object] = {}
        afterwards: dict[str, object] = {}
        for name, (codec, in_constructor, is_required) in fields.items():
            if name in data:
                values = given if in_constructor else afterwards
                values[name] = within(name, codec.read, data[name], refer)
            elif is_required:
                raise LoadError(f"the field {name} of {self.kind.__name__} is missing, and it has no default.")

        def make() -> object:
            made = self.kind(**given)
            for name, value in afterwards.items():
                object.__setattr__(made, name, value)
            return made

        return self.made(make)

    def _all(self) -> dict[str, _Field]:
        if self._fields is None:
            hints = self._hints()
            self._fields = {
                name: _Field(self.types.codec(hints.get(name, object)), in_constructor, is_required)
                for name, in_constructor, is_required in _fields_of(self.kind)
                if not self._is_left_out(name, hints.get(name), is_required)
            }
        return self._fields

    def _is_left_out(self, name: str, hint: object, is_required: bool) -> bool:
        if not is_not_saved(hint):
            return False
        if is_required:
            raise SaveError(f"the field {name} is NotSaved, but has no default that it could have then. Give it one.")
        return True


def _fields_of(kind: type) -> list[tuple[str, bool, bool]]:
    """Each field's name, whether the constructor takes it, and whether it has to be given."""
    if issubclass(kind, msgspec.Struct):
        names, known = kind.__struct_fields__, kind.__struct_defaults__  # of the last fields
        defaults = (msgspec.NODEFAULT,) * (len(names) - len(known)) + known
        return [(name, True, default is msgspec.NODEFAULT) for name, default in zip(names, defaults, strict=True)]
    if dataclasses.is_dataclass(kind):
        missing = dataclasses.MISSING
        return [
            (field.name, field.init, field.init and field.default is missing and field.default_factory is missing)
            for field in dataclasses.fields(kind)
        ]
    of_tuple: dict[str, object] = getattr(kind, "_field_defaults", {})
    return [(name, True, name not in of_tuple) for name in getattr(kind, "_fields", ())]


class AttributesCodec(ObjectCodec):
    """Plain classes: an object of their attributes, put back without calling the constructor, as by `copy`."""

    def __init__(self, types: KnownTypes, kind: type, hints: Callable[[], dict[str, object]]) -> None:
        super().__init__(types, kind)
        self._hints = hints
        self._known: dict[str, object] | None = None

    def write_object(self, value: object, refer: Refer) -> object:
        try:
            object.__reduce_ex__(value, 2)  # Python's own test for what a class made in C keeps out of sight
        except TypeError as error:
            raise SaveError(f"a {self.kind.__module__}.{self.kind.__qualname__} is no data. {REMEDY}") from error
        data: dict[str, object] = {}
        for name in [*slots_of(self.kind), *getattr(value, "__dict__", ())]:
            held: object = getattr(value, name, _UNSET)
            if held is not _UNSET and not is_not_saved(self._hint(name)):  # a slot may never have been set
                data[name] = within(name, self._codec(name).write, held, refer)
        return data

    def read_object(self, data: object, refer: Refer) -> object:
        if not isinstance(data, dict):
            raise unread(f"an object with the attributes of {self.kind.__name__}", data)
        made: object = object.__new__(self.kind)
        for name, inner in data.items():
            value = within(name, self._codec(name).read, inner, refer)
            try:
                object.__setattr__(made, name, value)
            except (AttributeError, TypeError) as error:
                raise LoadError(f"{self.kind.__name__} has no place for {name}.") from error
            except Exception as error:  # what was an attribute may have become a property with rules of its own
                raise self.refused(error) from error
        return made

    def _codec(self, name: str) -> Codec:
        return self.types.codec(self._hint(name))

    def _hint(self, name: str) -> object:
        if self._known is None:
            self._known = self._hints()
        return self._known.get(name, object)


def slots_of(kind: type) -> list[str]:
    """The names of the attributes in a class's ``__slots__`` and its bases', as they are reached from outside."""
    names: list[str] = []
    for base in reversed(kind.__mro__):
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name.startswith("__") and not name.endswith("__"):
                names.append(f"_{base.__name__.lstrip('_')}{name}")
            elif name not in ("__weakref__", "__dict__"):
                names.append(name)
    return names


_HEAP_TYPE: Final = 1 << 9
"""The flag of classes that are made with ``class`` (CPython's Py_TPFLAGS_HEAPTYPE)."""


def is_plain_class(kind: type) -> bool:
    """Whether the attributes are all there is to an object: Python's own making and copying are left as they are."""
    return bool(kind.__flags__ & _HEAP_TYPE) and all(
        getattr(kind, name, None) is getattr(object, name, None)
        for name in ("__new__", "__reduce__", "__reduce_ex__", "__getstate__", "__setstate__")
    )


class OwnWordsCodec(ObjectCodec):
    """Classes that say what is written down of them, such as credentials, which leave out their secrets."""

    def __init__(
        self,
        types: KnownTypes,
        kind: type,
        to_data: Callable[[object], object],
        from_data: Callable[[object], object],
    ) -> None:
        super().__init__(types, kind)
        self._to_data = to_data
        self._from_data = from_data
        self._data = types.codec(object)
        self.shapes = self._data.shapes

    def write_object(self, value: object, refer: Refer) -> object:
        try:
            own = self._to_data(value)
        except Exception as error:
            raise SaveError(f"to_data() of {self.kind.__name__} failed: {type(error).__name__}: {error}") from error
        data = self._data.write(list(own) if type(own) is tuple else own, refer)
        if tag_of(data) is not None:
            raise SaveError(f"what {self.kind.__name__}'s to_data() returns has to be plain JSON data. {REMEDY}")
        return data

    def read_object(self, data: object, refer: Refer) -> object:
        inner = self._data.read(data, refer)
        return self.made(lambda: self._from_data(inner))


class DerivedCodec(ObjectCodec):
    """Classes derived from Python's own: ``class Name(str)``, ``class Bag(list)``."""

    def __init__(self, types: KnownTypes, kind: type, base: type) -> None:
        super().__init__(types, kind)
        self._make = base
        self._base = types.codec(base)
        self.shapes = self._base.shapes | {"object"}

    def write_object(self, value: object, refer: Refer) -> object:
        if getattr(value, "__dict__", None) or getattr(value, "maxlen", None) is not None:
            raise SaveError(f"a {self.kind.__name__} has attributes of its own besides what it contains. {REMEDY}")
        return self._base.write(self._make(value), refer)

    def read_object(self, data: object, refer: Refer) -> object:
        value = self._base.read(data, refer)
        return self.made(lambda: self.kind(value))


class RefusedCodec(ObjectCodec):
    """Classes whose objects are more than data."""

    def __init__(self, types: KnownTypes, kind: type, why: str, *, is_running_work: bool = False) -> None:
        super().__init__(types, kind)
        self._why = why
        self._error = RunningWorkError if is_running_work else SaveError

    def write_object(self, value: object, refer: Refer) -> object:
        raise self._error(self._why)

    def read_object(self, data: object, refer: Refer) -> object:
        raise LoadError(f"a {self.kind.__name__} is never saved.")


def hints_of(types: KnownTypes, kind: type, arguments: dict[object, object]) -> dict[str, object]:
    """The annotations of a class's fields, with a generic class's type variables replaced by `arguments`."""
    try:
        hints: dict[str, object] = typing.get_type_hints(kind, include_extras=True)
    except (NameError, TypeError, AttributeError, SyntaxError):
        hints = {}
        for base in reversed(kind.__mro__):
            hints |= _one_by_one(types, base)
    return {name: filled(hint, arguments) for name, hint in hints.items()} if arguments else hints


def _one_by_one(types: KnownTypes, kind: type) -> dict[str, object]:
    """The annotations of one class, with an `UnresolvedCodec` in place of what cannot be evaluated."""
    hints: dict[str, object] = {}
    names = vars(sys.modules[kind.__module__]) if kind.__module__ in sys.modules else {}
    for name, annotation in _annotations(kind).items():
        holder = type("Holder", (), {"__annotations__": {name: annotation}})
        try:
            hints |= typing.get_type_hints(holder, names, dict(vars(kind)), include_extras=True)
        except (NameError, TypeError, AttributeError, SyntaxError):
            hints[name] = UnresolvedCodec(types, str(annotation))
    return hints


def _annotations(kind: type) -> dict[str, object]:
    if sys.version_info >= (3, 14):  # evaluates them all at once, and this when one of them cannot be
        import annotationlib

        return {**annotationlib.get_annotations(kind, format=annotationlib.Format.STRING)}
    return get_annotations(kind)


def is_not_saved(hint: object) -> bool:
    """Whether an annotation carries the mark of a field that is not written down."""
    return any(isinstance(note, NotSaved) for note in getattr(hint, "__metadata__", ()))


def filled(hint: object, arguments: dict[object, object]) -> object:
    """An annotation with its type variables replaced."""
    if isinstance(hint, typing.TypeVar):
        return arguments.get(hint, hint)
    parameters: tuple[object, ...] = getattr(hint, "__parameters__", ())
    if not parameters or (isinstance(hint, type) and not typing.get_args(hint)):
        return hint
    return hint[tuple(arguments.get(one, one) for one in parameters)]  # type: ignore[index]  # a generic alias
