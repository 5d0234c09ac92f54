"""The commands of a Modelfile, read and written (Ollama's ``parser/parser.go``, 0.9.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

__all__ = ["Command", "Unreadable", "commands_in", "quoted"]

_WITH_SUBJECT: Final = {"parameter": re.compile(r"[A-Za-z0-9_]+"), "message": re.compile(r"[A-Za-z]+")}
"""What comes before the value of these."""
_NAME: Final = re.compile(r"[A-Za-z]+")
_BLANK: Final = re.compile(r"(?:\s|#[^\n]*)*")
_SPACES: Final = re.compile(r"[ \t]*")


class Unreadable(Exception):
    """The text cannot be read; a sentence, without the line, which is `line`."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class Command(Struct, frozen=True):
    """A command: its name in lower case, the parameter or role that it is about, its value, its line from 1."""

    name: str
    subject: str
    value: str
    line: int


def commands_in(text: str) -> Iterator[Command]:
    """The commands, one after the other. Raises Unreadable."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    position = line = 0
    counted = 0
    while True:
        position = _end(_BLANK, text, position)
        line += text.count("\n", counted, position)
        counted = position
        if position >= len(text):
            return
        name = _word(_NAME, text, position, line + 1)
        position += len(name)
        subject = ""
        pattern = _WITH_SUBJECT.get(name.lower())
        if pattern is not None:
            position = _end(_SPACES, text, position)
            subject = _word(pattern, text, position, line + 1)
            position += len(subject)
        value, position = _value(text, position, line + 1)
        yield Command(name.lower(), subject, value, line + 1)


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return position if match is None else match.end()


def _word(pattern: re.Pattern[str], text: str, position: int, line: int) -> str:
    """A word with a space, and so a value, after it."""
    match = pattern.match(text, position)
    after = text[match.end() : match.end() + 1] if match is not None else ""
    if match is None or after not in {" ", "\t"}:
        shown = text[position : position + 40].partition("\n")[0]
        raise Unreadable(f"“{shown}” is no command with a value; write one such as FROM llama3.2.", line)
    return match[0]


def _value(text: str, position: int, line: int) -> tuple[str, int]:
    """A value up to the end of its line, or of the line in which its quotation ends; and where it ends."""
    start = position
    opened = ""
    while True:
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        if not opened and text[start:end].strip():  # up to here there was nothing but blanks
            begun = text[start:end].strip()
            opened = '"""' if begun.startswith('"""') else '"' if begun.startswith('"') else "-"
        if opened in {"", "-"} or _is_closed(text, start, end, opened):
            break
        if end >= len(text):
            raise Unreadable(f"a text that begins with {opened} does not end with it; close it.", line)
        position = end + 1
    value = text[start:end].strip()
    if opened not in {"", "-"}:
        value = value[len(opened) : -len(opened)]
    return _without_invisible(value), end


def _is_closed(text: str, start: int, end: int, quotation: str) -> bool:
    """Whether what lies between, without blanks around it, is a whole quotation."""
    while end > start and text[end - 1].isspace():
        end -= 1
    while start < end and text[start].isspace():
        start += 1
    return end - start >= 2 * len(quotation) and text.endswith(quotation, start, end)


def _without_invisible(value: str) -> str:
    """Ollama leaves out what cannot be printed, but for blanks and ends of lines."""
    return "".join(letter for letter in value if letter.isprintable() or letter in "\n\t")


def quoted(text: str) -> str:
    """A value as it is to be written, so that it is read as this text again.

    Raises:
        ValueError: there is no way to write it: it has three quotation marks at the end of a line that is not its last
            one, or what cannot be printed.
    """
    if _without_invisible(text) != text:
        raise ValueError("A Modelfile cannot hold what cannot be printed.")
    if text and "\n" not in text and text == text.strip() and not text.startswith('"'):
        return text
    lines = text.split("\n")
    for mark in ('"', '"""'):
        written = [f"{mark}{lines[0]}", *lines[1:]]
        opens_more = mark == '"' and f"{mark}{text}{mark}".startswith('"""')
        closed = any(_is_closed(whole, 0, len(whole), mark) for whole in _beginnings(written))
        if not opens_more and not closed:
            return f"{mark}{text}{mark}"
    raise ValueError("A Modelfile cannot hold a text with three quotation marks at the end of a line.")


def _beginnings(lines: list[str]) -> Iterator[str]:
    """What has been read at the end of each line but the last; only its end matters, so the middle is left out."""
    for number, line in enumerate(lines[:-1]):
        if number == 0:
            yield line
        elif line.strip():
            yield f"{lines[0]}\n{line}"
