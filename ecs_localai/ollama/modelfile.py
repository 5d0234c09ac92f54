"""Modelfiles: what they say, as a recipe.

The language is that of Ollama's ``docs/modelfile.mdx`` and ``parser/parser.go`` (0.9.3 to 0.33), read as its own
command reads it. Where that would take a slip of the pen for something else (a file that is missing for the name of a
model), a sentence says so instead.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct

from ecs_localai.components.recipe import ModelRecipe, RecipeMessage

from .errors import ErrorKind, InvalidModelName, OllamaError
from .local_paths import local_path, unreadable
from .model_parameters import KINDS, ParameterKind, ParameterValue
from .modelfile_commands import Command, Unreadable, commands_in, quoted
from .names import parse_model_name

__all__ = ["ModelfileError", "ReadModelfile", "modelfile_of", "parse_modelfile", "read_modelfile"]

_SIZE_LIMIT: Final = 4 * 1024 * 1024
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_DEPRECATED: Final = frozenset(
    {
        "penalize_newline", "low_vram", "f16_kv", "logits_all", "vocab_only", "use_mlock", "mirostat", "mirostat_tau",
        "mirostat_eta",
    }
)  # fmt: skip
"""Parameters that Ollama knows no more and passes over (``deprecatedParameters`` in ``parser/parser.go``)."""
_TRUE: Final = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "FALSE", "false", "False"})
_ROLES: Final = frozenset({"system", "user", "assistant"})


class ModelfileError(OllamaError):
    """A Modelfile that cannot be used; ``message`` names the line, which is in ``line``, too (0: none)."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message, ErrorKind.INVALID_REQUEST, False)
        self.line = line


class ReadModelfile(Struct, frozen=True):
    """What a Modelfile says."""

    recipe: ModelRecipe
    notes: list[str]
    """What was passed over, a sentence each."""


def read_modelfile(path: Path) -> ReadModelfile:
    """Read a Modelfile, whose paths are relative to its folder. It reads the disk: not for the loop or a frame.

    Raises:
        ModelfileError: it is none, or cannot be used.
        InvalidRequest: it cannot be read.
    """
    try:
        if not path.is_file():
            raise ModelfileError(f"{path} is not there; name the Modelfile." if not path.exists() else _no_file(path))
        with path.open("rb") as file:
            data = file.read(_SIZE_LIMIT + 1)
    except OSError as error:
        raise unreadable(path, error) from error
    if len(data) > _SIZE_LIMIT or (b"\0" in data and not data.startswith(_UTF_16)):
        raise ModelfileError(f"{path.name} is no Modelfile; one is a text that begins with FROM.")
    return parse_modelfile(_decoded(data, path), path.absolute().parent)


def _no_file(path: Path) -> str:
    return f"{path.name} is not an ordinary file; name the Modelfile."


def _decoded(data: bytes, path: Path) -> str:
    """As Ollama decodes it: UTF-8, or what a byte order mark says."""
    try:
        if data.startswith(_UTF_16):
            return data.decode("utf-16")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ModelfileError(f"{path.name} is no text in UTF-8; save it as UTF-8, then try again.") from error


def parse_modelfile(text: str, folder: Path) -> ReadModelfile:
    """Read the text of a Modelfile; relative paths are relative to `folder`, ``~`` is somebody's home.

    It looks whether files are there: not for the loop or a frame.

    Raises:
        ModelfileError: it cannot be used; the sentence says where and why.
    """
    reader = _Reader(folder)
    try:
        for command in commands_in(text):
            reader.take(command)
    except Unreadable as error:
        raise ModelfileError(f"Line {error.line}: {error}", error.line) from None
    return reader.end()


def modelfile_of(recipe: ModelRecipe) -> str:
    """A recipe as a Modelfile. What Modelfiles do not say, how to quantise it, is left out.

    Raises:
        ValueError: it has a text that a Modelfile cannot hold.
    """
    lines = [f"FROM {quoted(one)}" for one in recipe.files or [recipe.source]]
    lines += [f"ADAPTER {quoted(one)}" for one in recipe.adapters]
    texts = {
        "TEMPLATE": recipe.template, "SYSTEM": recipe.system, "RENDERER": recipe.renderer, "PARSER": recipe.parser,
        "REQUIRES": recipe.requires,
    }  # fmt: skip
    lines += [f"{name} {quoted(text)}" for name, text in texts.items() if text]
    for name, value in recipe.parameters.items():
        lines += [f"PARAMETER {name} {_written(one)}" for one in (value if isinstance(value, list) else [value])]
    lines += [f"MESSAGE {one.role} {quoted(one.content)}" for one in recipe.messages]
    lines += [f"LICENSE {quoted(text)}" for text in recipe.licenses]
    return "\n".join(lines) + "\n"


def _written(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return quoted(value) if isinstance(value, str) else repr(value)


class _Reader:
    """Puts the commands together."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._notes: list[str] = []
        self._source = ""
        self._files: list[str] = []
        self._adapters: list[str] = []
        self._texts: dict[str, str] = {}
        self._parameters: dict[str, ParameterValue] = {}
        self._licenses: list[str] = []
        self._messages: list[RecipeMessage] = []
        self._commands: dict[str, Callable[[Command], None]] = {
            "from": self._take_from,
            "adapter": self._take_adapter,
            "parameter": self._take_parameter,
            "message": self._take_message,
            "license": lambda command: self._licenses.append(command.value),
            "draft": self._refuse_draft,
            **dict.fromkeys(("template", "system", "renderer", "parser", "requires"), self._take_text),
        }

    def take(self, command: Command) -> None:
        """Raises Unreadable."""
        take = self._commands.get(command.name)
        if take is None:
            known = ", ".join(name.upper() for name in self._commands if name != "draft")
            raise Unreadable(f"{command.name.upper()[:40]} is no command; use one of {known}.", command.line)
        take(command)

    def end(self) -> ReadModelfile:
        """Raises ModelfileError."""
        if not self._source and not self._files:
            raise ModelfileError("There is no FROM line; name the model, or the file, that it is made from.")
        if self._source and self._files:
            raise ModelfileError("It is made FROM a model and FROM files at once; leave one of them.")
        recipe = ModelRecipe(
            source=self._source,
            files=self._files,
            adapters=self._adapters,
            parameters=self._parameters,
            licenses=self._licenses,
            messages=self._messages,
            **self._texts,  # type: ignore[arg-type]  # fields of these names, all of them texts
        )
        return ReadModelfile(recipe, self._notes)

    def _take_from(self, command: Command) -> None:
        value = command.value
        path = self._path(value)
        if value and path.exists():
            self._files.append(str(path))
            return
        if not value or value.startswith("@"):
            raise Unreadable("FROM names no model; give its name, or the path of a GGUF file.", command.line)
        if _looks_like_path(value):
            raise Unreadable(f"there is no file {path}; correct the path after FROM.", command.line)
        try:
            name = parse_model_name(value)
        except InvalidModelName as error:
            raise Unreadable(f"FROM: {error.message}", command.line) from None
        if self._source:
            raise Unreadable(f"there are two models after FROM; leave {self._source} or {value}.", command.line)
        self._source = name.short

    def _take_adapter(self, command: Command) -> None:
        path = self._path(command.value)
        if not command.value or not path.exists():
            raise Unreadable(f"there is no file {path}; correct the path after ADAPTER.", command.line)
        self._adapters.append(str(path))

    def _path(self, value: str) -> Path:
        """Relative to the Modelfile's folder, ``~`` a home (``expandPath`` in ``parser/parser.go``)."""
        return self._folder / local_path(value)

    def _take_text(self, command: Command) -> None:
        self._texts[command.name] = command.value

    def _take_parameter(self, command: Command) -> None:
        name, value = command.subject, command.value
        if name in _DEPRECATED:
            self._notes.append(f"Line {command.line}: Ollama knows the parameter {name} no more, so it is left out.")
            return
        kind = KINDS.get(name)
        if kind is None:
            raise Unreadable(f"Ollama knows no parameter {name[:40]}; correct or remove it.", command.line)
        if kind is ParameterKind.TEXTS:
            former = self._parameters.get(name)
            self._parameters[name] = [*(former if isinstance(former, list) else []), value]
        else:
            self._parameters[name] = _typed(name, kind, value, command.line)

    def _take_message(self, command: Command) -> None:
        if command.subject not in _ROLES:
            raise Unreadable(f"a message is from system, user or assistant, not {command.subject!r}.", command.line)
        self._messages.append(RecipeMessage(command.subject, command.value))

    @staticmethod
    def _refuse_draft(command: Command) -> None:
        raise Unreadable("a draft model cannot be sent from here; use ollama create, or remove DRAFT.", command.line)


def _looks_like_path(value: str) -> bool:
    return (
        value.startswith((".", "/", "~", "\\"))
        or value.lower().endswith((".gguf", ".safetensors", ".bin", ".pth"))
        or "\\" in value
        or value[1:3] == ":\\"
    )


def _typed(name: str, kind: ParameterKind, value: str, line: int) -> int | float | bool:
    """A value as Go reads it (``FormatParams`` in ``api/types.go``). Raises Unreadable."""
    try:
        if kind is ParameterKind.WHOLE and "_" not in value:
            number = int(value, 10)
            if -(2**63) <= number < 2**63:
                return number
        elif kind is ParameterKind.NUMBER and "_" not in value:
            real = float(value)
            if abs(real) < 3.4e38:  # not nan either: JSON has none
                return real
        elif kind is ParameterKind.SWITCH and value in _TRUE | _FALSE:
            return value in _TRUE
    except ValueError:
        pass
    raise Unreadable(f"{name} is {kind.value}, not {value[:40]!r}.", line)
