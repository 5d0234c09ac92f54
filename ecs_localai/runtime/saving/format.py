"""The file of a saved world: JSON with a format's name and a version, one line an entity.

``{"format": "ecs-localai world", "version": 1, "resources": {type: data}, "states": {type: name},
"entities": {id: {type: data}}}``. Bevy's counterpart is the ``.scn.ron`` file (``resources`` and ``entities``) of
``bevy_world_serialization``, which has no version.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from ecs_localai.runtime.saving.codec import shown
from ecs_localai.runtime.saving.errors import LoadError, SavedWorldError, SaveError

Migration: TypeAlias = Callable[[dict[str, object]], dict[str, object]]
"""Makes a document of the next version of one of this."""

FORMAT: Final = "ecs-localai world"
MIGRATIONS: Final[tuple[Migration, ...]] = ()
"""Step n leads from version n + 1 to n + 2. A released step is never changed; new ones are appended."""
VERSION: Final = len(MIGRATIONS) + 1
"""The version that is written."""
_SECTIONS: Final = ("resources", "states", "entities")
_MOST_DIGITS: Final = 30
"""Of an entity's id; Python reads thousands at most."""
_DEEPEST: Final = 100
"""How many lists and objects may be inside each other. Reading takes up to six calls for each, and Python allows for a
thousand at once; less would be left for who calls `load_world` if more could be saved."""


@dataclass(slots=True)
class Document:
    """A saved world as it stands in the file: names of types and JSON data, nothing of the program."""

    version: int = VERSION
    """The version that the file had."""
    resources: dict[str, object] = field(default_factory=dict)
    """Data by the type's name."""
    states: dict[str, str] = field(default_factory=dict)
    """The current state's name by the name of the type of states."""
    entities: dict[int, dict[str, object]] = field(default_factory=dict)
    """By entity, data by the component's type's name."""


@dataclass(frozen=True, slots=True)
class SavedContents:
    """What a saved world contains, told without the program that saved it."""

    version: int
    """Of the file's format."""
    entities: int
    components: dict[str, int]
    """How many entities have a component of this type, by name, the most frequent first."""
    resources: list[str]
    states: dict[str, str]


def saved_contents(data: bytes | str) -> SavedContents:
    """Look into a saved world. Needs none of its types.

    Raises:
        LoadError: it is damaged, something else, or of a newer version.
    """
    document = read_document(data)
    return SavedContents(
        document.version,
        len(document.entities),
        counted(document),
        list(document.resources),
        document.states,
    )


def counted(document: Document) -> dict[str, int]:
    """How many entities have each type of component, the most frequent first."""
    counts: dict[str, int] = {}
    for components in document.entities.values():
        for name in components:
            counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def write_document(document: Document) -> bytes:
    """The file's contents, always the same for the same world.

    Raises:
        SaveError: it has a whole number of thousands of digits, or goes too deep to be read again.
    """
    sections: dict[str, dict[str, object]] = {
        "resources": document.resources,
        "states": {**document.states},
        "entities": {str(entity): components for entity, components in document.entities.items()},
    }
    head = f'{{"format": {json.dumps(FORMAT)}, "version": {document.version}'
    try:
        parts = [head, *(f'"{name}": {{{_lines(name, section)}}}' for name, section in sections.items())]
    except ValueError as error:
        raise SaveError(f"A whole number in the world is too long to be written down: {error}") from error
    return (",\n".join(parts) + "}\n").encode()


def _lines(section: str, held: dict[str, object]) -> str:
    lines: list[str] = []
    for name, data in held.items():
        line = json.dumps(data, allow_nan=False)
        if line.count("[") + line.count("{") > _DEEPEST and _is_deeper(data, _DEEPEST):
            error = SaveError(
                f"there are more than {_DEEPEST} lists and objects inside each other, which could not be read again. "
                f"Make entities of them that refer to each other, or keep them in one list."
            )
            error.within(section, name)
            raise error
        lines.append(f"\n  {json.dumps(name)}: {line}")
    return ",".join(lines)


def _is_deeper(data: object, levels: int) -> bool:
    inside = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return any(levels == 0 or _is_deeper(one, levels - 1) for one in inside if isinstance(one, (dict, list)))


def read_document(data: bytes | str) -> Document:
    """What stands in the file, brought to the present version, with its structure checked.

    Raises:
        LoadError: it is damaged, something else, or of a newer version.
    """
    try:
        whole: object = json.loads(data, object_pairs_hook=_without_twins, parse_constant=_refused_number)
    except SavedWorldError:
        raise
    except (ValueError, RecursionError) as error:  # JSON's own errors and those of UTF-8 are ValueErrors
        raise LoadError(f"The data is no sound JSON: {error}. Was it cut off, or is it another file?") from error
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        raise LoadError(f'This is no saved world: one has {{"format": "{FORMAT}"}} at its beginning.')
    version = whole.get("version")
    if type(version) is not int or version < 1:
        raise LoadError(f"The version of a saved world is a whole number from 1 on, not {shown(version)}.")
    document = migrated(whole, version)
    if document.keys() != {"format", "version", *_SECTIONS}:
        raise LoadError(f"A saved world has {', '.join(_SECTIONS)} and nothing else, but it has {', '.join(document)}.")
    return Document(
        version,
        _section(document, "resources"),
        {name: _state(name, state) for name, state in _section(document, "states").items()},
        {_entity(name): _components(name, held) for name, held in _section(document, "entities").items()},
    )


def migrated(
    document: dict[str, object], version: int, migrations: Sequence[Migration] = MIGRATIONS
) -> dict[str, object]:
    """The document as the newest version has it.

    Raises:
        LoadError: it is of a newer version than the newest that is known.
    """
    newest = len(migrations) + 1
    if version > newest:
        raise LoadError(
            f"The world was saved by a newer version of ecs-localai: its format is version {version}, and this one "
            f"knows those up to {newest}. Update ecs-localai to load it."
        )
    for step in migrations[version - 1 :]:
        document = step(document)
    return document


def _section(document: dict[str, object], name: str) -> dict[str, object]:
    section = document[name]
    if not isinstance(section, dict):
        raise _misplaced("an object", section, name)
    for held in section:
        _check_printable(held, name)
    return section


def _entity(name: str) -> int:
    if name.isascii() and name.isdigit() and not name.startswith("0") and len(name) <= _MOST_DIGITS:
        return int(name)  # esper's begin with 1
    raise _misplaced("an entity's id", name, "entities")


def _components(name: str, held: object) -> dict[str, object]:
    if not isinstance(held, dict):
        raise _misplaced("an object of components", held, "entities", name)
    for kind in held:
        _check_printable(kind, "entities", name)
    return held


def _state(name: str, state: object) -> str:
    if not isinstance(state, str):
        raise _misplaced("a state's name", state, "states", name)
    _check_printable(state, "states", name)
    return state


def _check_printable(name: str, *path: str) -> None:
    """Names end up on terminals and in JSON, which some of what a file can hold would break."""
    if not name.isprintable():
        raise _misplaced("a name that can be printed", name, *path)


def _misplaced(expected: str, data: object, *path: str) -> LoadError:
    error = LoadError(f"{expected} belongs here, not {shown(data)}.")
    error.within(*path)
    return error


def _without_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        twin = next(name for name in names if names.count(name) > 1)
        raise LoadError(f"The name {twin!r} is there twice in one object. Remove one of the two.")
    return made


def _refused_number(word: str) -> object:
    raise LoadError(f"{word} is no number in JSON.")
