"""The types of a program that can be written down and found again by name (Bevy: ``AppTypeRegistry``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, cast

from ecs_localai.runtime.saving.errors import LoadError, SavedWorldError, SaveError, UnknownTypeError

if TYPE_CHECKING:
    from ecs_localai.runtime.saving.codec import Codec, Refer

T = TypeVar("T")


class TypeRegistry:
    """A resource of every app: which types of components and resources can be saved, loaded, and looked at by name.

    ``app.world.resource(TypeRegistry).register(Position, Velocity)``. A type that is found by a name in some data is
    always one that the program has registered itself: no name in data ever makes anything be imported.

    Bevy's registry (``bevy_reflect::TypeRegistry``) is filled by ``#[derive(Reflect)]``; here the annotations of
    dataclasses, `msgspec` structs, named tuples and plain classes say what they are made of. A class with other
    needs has two methods of its own, ``to_data(self)``, which returns JSON data, and the class method
    ``from_data(data)``; that is also how credentials keep their secrets to themselves.
    """

    def __init__(self) -> None:
        self._kinds: dict[str, type] = {}
        self._left_out: dict[str, str] = {}
        self._required: dict[type, list[tuple[type, Callable[[], object]]]] = {}
        self._conversions: dict[type, tuple[Callable[[object], object], Callable[[object], object]]] = {}
        self._codecs: dict[object, Codec] = {}

    def register(self, *kinds: type) -> TypeRegistry:
        """Make types known by their names; once more does nothing.

        Raises:
            SaveError: another type has the same name.
        """
        for kind in kinds:
            name = self.name_of(kind)
            if self._kinds.setdefault(name, kind) is not kind:
                raise SaveError(f"There are two types named {name}. Rename one of them: names are what is saved.")
        return self

    def register_as(
        self, kind: type[T], to_data: Callable[[T], object], from_data: Callable[[object], T]
    ) -> TypeRegistry:
        """Register somebody else's type, and how it is written: ``register_as(Vector2, tuple, Vector2)``.

        `to_data` makes lists, dicts, text and numbers of a value, and `from_data` the same value of these; it is handed
        a list where `to_data` returned a tuple.

        Raises:
            SaveError: another type has the same name.
        """
        self.register(kind)
        self._conversions[kind] = (
            cast("Callable[[object], object]", to_data),
            cast("Callable[[object], object]", from_data),
        )
        self._codecs.clear()
        return self

    def leave_out(self, kind: type, reason: str) -> TypeRegistry:
        """Never save components or resources of this type; `reason`, a sentence, is what `save_world` tells of them."""
        self._left_out[self.name_of(kind)] = reason
        return self

    def register_required(self, kind: type, needed: type[T], make: Callable[[], T]) -> TypeRegistry:
        """Register a type that needs a component of another beside it, which is made when it is loaded without one.

        For components that are not saved. Bevy: ``App::register_required_components_with``, which holds for every
        insertion, not for loading alone.

        Raises:
            SaveError: another type has the same name.
        """
        self.register(kind)
        self._required.setdefault(kind, []).append((needed, make))
        return self

    @property
    def kinds(self) -> list[type]:
        """The registered types, by their names' order."""
        return [self._kinds[name] for name in sorted(self._kinds)]

    def is_registered(self, kind: type) -> bool:
        """Whether `kind_of` finds this type."""
        return self._kinds.get(self.name_of(kind)) is kind

    def is_saved(self, kind: type) -> bool:
        """Whether the type is registered and not left out."""
        return self.is_registered(kind) and self.why_left_out(kind) is None

    def why_left_out(self, kind: type | str) -> str | None:
        """The reason that `leave_out` was given for a type or its name; None for one that is saved."""
        return self._left_out.get(kind if isinstance(kind, str) else self.name_of(kind))

    def required_by(self, kind: type) -> tuple[tuple[type, Callable[[], object]], ...]:
        """The types of the components that one of this type needs, and what makes them; see `register_required`."""
        return tuple(self._required.get(kind, ()))

    def name_of(self, kind: type) -> str:
        """``module.QualName``, also of a type that is not registered (Bevy: ``TypePath``)."""
        return f"{kind.__module__}.{kind.__qualname__}"

    def kind_of(self, name: str) -> type:
        """The registered type of this name. Nothing is imported to find it.

        Raises:
            UnknownTypeError: no such type is registered.
        """
        kind = self._kinds.get(name)
        if kind is None:
            raise UnknownTypeError(
                f"the type {name} is not registered. If it belongs to the program, register it before loading: "
                f"app.world.resource(TypeRegistry).register({name.rpartition('.')[2]})."
            )
        return kind

    def to_builtins(self, value: object, refer: Refer | None = None) -> object:
        """A component or a resource as dicts, lists, text, numbers, bools and None, fit for JSON.

        Members of enumerations are written by name, moments and durations as msgspec writes them, sets sorted.
        What has no place in JSON is written so that `from_builtins` brings it back: NaN and the infinities as words,
        dicts with other keys than text as lists of pairs. `refer`, if given, is called with every entity id inside
        (`Entity`), and what it returns is written instead.

        Raises:
            SaveError: the value, or something in it, is no data; the message says what and what to do.
            RunningWorkError: it holds a task, a channel or another part of the running program.
        """
        try:
            return self.codec(type(value)).write(value, refer or _same)
        except SavedWorldError as error:
            error.within(self.name_of(type(value)))
            raise
        except RecursionError as error:
            raise SaveError(f"{self.name_of(type(value))} contains itself, or goes too deep.") from error

    def from_builtins(self, kind: type[T], data: object, refer: Refer | None = None) -> T:
        """The value of this type that `to_builtins` made the data of. `kind` need not be registered.

        Raises:
            LoadError: the data does not describe one; the message says where and why.
            UnknownTypeError: it names a type that is not registered.
        """
        try:
            value = self.codec(kind).read(data, refer or _same)
        except SavedWorldError as error:
            error.within(self.name_of(kind))
            raise
        except RecursionError as error:
            raise LoadError(f"the data of a {self.name_of(kind)} goes too deep.") from error
        return cast("T", value)

    def codec(self, hint: object) -> Codec:
        """What writes and reads values of this annotation."""
        try:
            codec = self._codecs.get(hint)
        except TypeError:  # an annotation with a note that has no hash
            return self._made(hint)
        if codec is None:
            codec = self._codecs[hint] = self._made(hint)
        return codec

    def _made(self, hint: object) -> Codec:
        # Here, because every app has a registry, and few need this before their first frame.
        from ecs_localai.runtime.saving.hints import make_codec
        from ecs_localai.runtime.saving.objects import OwnWordsCodec

        conversion = self._conversions.get(hint) if isinstance(hint, type) else None
        if conversion is not None and isinstance(hint, type):
            return OwnWordsCodec(self, hint, *conversion)
        return make_codec(self, hint)


def _same(entity: int) -> int:
    return entity
