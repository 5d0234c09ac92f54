"""The parameters that a model brings along, as ``/api/show`` prints them and as a person types them.

Ollama takes whatever it is told when a model is made, and only then refuses to run it (0.9.3: ``option "num_ctx" must
be of type integer``), so what each parameter may be is known here.
"""

from __future__ import annotations

import ast
import difflib
import json
import re
from enum import StrEnum
from typing import TypeAlias

ParameterValue: TypeAlias = str | int | float | bool | list[str]


class ParameterKind(StrEnum):
    """What a parameter's value may be, in words for a person."""

    WHOLE = "a whole number"
    NUMBER = "a number"
    SWITCH = "true or false"
    TEXTS = "text"


_WHOLE = (
    "num_keep", "seed", "num_predict", "top_k", "repeat_last_n", "num_ctx", "num_batch", "num_gpu", "main_gpu",
    "num_thread",
)  # fmt: skip
_NUMBERS = (
    "top_p", "min_p", "typical_p", "temperature", "repeat_penalty", "presence_penalty", "frequency_penalty",
)  # fmt: skip
KINDS: dict[str, ParameterKind] = {
    **dict.fromkeys(_WHOLE, ParameterKind.WHOLE),
    **dict.fromkeys(_NUMBERS, ParameterKind.NUMBER),
    "use_mmap": ParameterKind.SWITCH,
    "stop": ParameterKind.TEXTS,
    "draft_num_predict": ParameterKind.WHOLE,
}
"""Those that Ollama knows (``api/types.go``, ``Options`` and ``Runner``: all but the last since 0.9.3 at the latest,
that since 0.33). Another version may know others, too."""

_LINE = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*)(?:\s*=\s*|\s+|$)(.*)")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_PLAIN = re.compile(r"[^\s\"'\\=]([^\n\r\t\\]*[^\s\\])?")


class InvalidParameter(ValueError):
    """A line is no parameter. The message is a sentence that says what to write."""


def read_shown_parameters(text: str) -> dict[str, ParameterValue]:
    """What ``/api/show`` prints: a name and a value on each line, the values as Go writes them (0.9.3, ``%#v``).

    The order is by name: Ollama's own differs from one answer to the next.
    """
    found: dict[str, list[str]] = {}
    for line in text.split("\n"):
        name, _, value = line.strip().partition(" ")
        if name and value.strip() and value.strip() != "<nil>":
            found.setdefault(name, []).append(value.strip())
    return {name: _joined(name, [_unquoted(value) for value in found[name]]) for name in sorted(found)}


def parameter_lines(parameters: dict[str, ParameterValue]) -> str:
    """Parameters as a person writes them: ``temperature 0.2``, a line for each."""
    lines: list[str] = []
    for name, value in parameters.items():
        values = value if isinstance(value, list) else [value]
        lines += [f"{name} {_as_written(one)}" for one in values]
    return "\n".join(lines)


def parse_parameter_lines(text: str, *, others: bool = True) -> dict[str, ParameterValue]:
    """The opposite. A name that stands several times, as ``stop`` may, has a list.

    Args:
        text: the lines.
        others: whether names that are not in `KINDS` pass, as a model that is there may have been made with them.

    Raises:
        InvalidParameter: a line is none, or its value is none that the parameter can have.
    """
    found: dict[str, list[str]] = {}
    for line in text.split("\n"):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise InvalidParameter(f"“{_short(line)}” is no setting: write a name and a value, as in temperature 0.2.")
        name, value = match[1].lower(), match[2].strip()
        _refuse_misspelt(name, others=others)
        if not value:
            raise InvalidParameter(f"{name} has no value: write one after it, or take the line away.")
        found.setdefault(name, []).append(value)
    parsed = {name: [_parsed(name, value) for value in values] for name, values in found.items()}
    return {name: _joined(name, values) for name, values in parsed.items()}


def _refuse_misspelt(name: str, *, others: bool) -> None:
    """Ollama passes over what it does not know without a word, so a slip of the pen would change nothing."""
    if name in KINDS:
        return
    close = difflib.get_close_matches(name, KINDS, 1, 0.8)
    if close:
        raise InvalidParameter(f"Ollama knows no setting {name}: did you mean {close[0]}?")
    if not others:
        raise InvalidParameter(f"Ollama knows no setting {_short(name)}; correct or remove it.")


def _joined(name: str, values: list[str | int | float | bool]) -> ParameterValue:
    """One value, or the list that ``stop`` always is.

    Raises:
        InvalidParameter: several values for what has one.
    """
    if KINDS.get(name) is ParameterKind.TEXTS or len(values) > 1:
        if name in KINDS and KINDS[name] is not ParameterKind.TEXTS:
            raise InvalidParameter(f"{name} stands there twice: leave one of the lines.")
        return [str(value) for value in values]
    return values[0]


def _unquoted(value: str) -> str | int | float | bool:
    """A value as Go writes it: quoted text, a number, true or false."""
    if value.startswith('"'):
        try:
            text = ast.literal_eval(value)  # Go's escapes are Python's, too
        except (SyntaxError, ValueError):
            return value
        return str(text)
    return _as_number_or_switch(value)


def _as_number_or_switch(value: str) -> str | int | float | bool:
    if value in ("true", "false"):
        return value == "true"
    if not _NUMBER.fullmatch(value):
        return value
    number = float(value)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _parsed(name: str, value: str) -> str | int | float | bool:
    kind = KINDS.get(name)
    quoted = len(value) > 1 and value.startswith('"') and value.endswith('"')
    if quoted:
        try:
            text = str(json.loads(value, strict=False))
        except ValueError:
            text = value[1:-1]
    else:
        text = value
    if kind is ParameterKind.TEXTS or (kind is None and quoted):
        return text
    typed = _as_number_or_switch(text)
    fits = {
        ParameterKind.WHOLE: isinstance(typed, int) and not isinstance(typed, bool),
        ParameterKind.NUMBER: isinstance(typed, int | float) and not isinstance(typed, bool),
        ParameterKind.SWITCH: isinstance(typed, bool),
    }
    if kind is not None and not fits[kind]:
        raise InvalidParameter(f"{name} is {kind.value}, not “{_short(text)}”.")
    return typed


def _as_written(value: str | int | float | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and isinstance(_as_number_or_switch(value), str)
        return value if plain else json.dumps(value, ensure_ascii=False)
    return repr(value)


def _short(text: str) -> str:
    text = text.strip()
    return text if len(text) <= 40 else f"{text[:39]}…"
