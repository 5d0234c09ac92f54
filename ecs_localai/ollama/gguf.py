"""The head of a GGUF file: what it says of itself before its weights. Nothing of the weights is read.

The format is that of ggml's ``docs/gguf.md``, versions 2 and 3, little-endian. Everything that a file can ask for is
bounded, so that a hostile one costs neither memory nor time: no more than 16 MiB is kept, and what is too long to be
of use (a vocabulary, an embedded tokenizer) is passed over, its length noted.
"""

from __future__ import annotations

import io
import stat
import struct
from pathlib import Path
from typing import BinaryIO, Final

from msgspec import Struct, structs

from .errors import ErrorKind, OllamaError
from .gguf_tensors import TensorTable, read_tensor_table
from .gguf_types import ARRAY, BOOL, NUMBERS, STRING, Broken, DataEnded, Window
from .local_paths import unreadable
from .not_gguf import what_it_is_instead

__all__ = ["GgufHead", "GgufValue", "NotGguf", "parse_gguf", "read_gguf"]

GgufNumber = int | float | bool
GgufValue = str | GgufNumber | list[str] | list[int] | list[float] | list[bool]

MAGIC: Final = b"GGUF"
FIXED_BYTES: Final = 24
"""The magic, the version, the number of tensors and the number of entries."""
KEPT_ELEMENTS: Final = 1024
"""Longer arrays are left out: those with one number for each layer are shorter, vocabularies longer."""
KEPT_TEXT: Final = 256 * 1024
"""Longer texts, in bytes, are left out: chat templates and licences are shorter, embedded tokenizers longer."""
_KEPT_IN_ALL: Final = 16 * 1024 * 1024
_ENTRY_LIMIT: Final = 65_536
_KEY_LIMIT: Final = 65_535
_DEPTH_LIMIT: Final = 4
_ELEMENT_LIMIT: Final = 4_000_000
"""How many elements that have no fixed size may be passed over in all; the largest vocabularies have a tenth of it."""
_BUFFER: Final = 256 * 1024


class NotGguf(OllamaError):
    """A file is no GGUF file that Ollama can read; ``message`` says what it looks like, and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message, ErrorKind.INVALID_REQUEST, False)


class GgufHead(Struct, frozen=True):
    """What a GGUF file says of itself."""

    version: int
    tensor_count: int
    kv_count: int
    """The number of entries, of which `metadata` has those that were read and kept."""
    metadata: dict[str, GgufValue]
    left_out: dict[str, int]
    """What was too long to be kept: the number of elements of an array, the bytes of a text."""
    is_complete: bool
    """False where the data ended before the metadata did: `metadata` then holds what came before."""
    size: int | None = None
    """The bytes that the whole file must have; None where it was not looked at or cannot be told."""
    parameters: int | None = None
    """The number of weights in this file; None where it was not looked at."""

    @property
    def architecture(self) -> str:
        """For example ``llama``; empty where it is not told."""
        return self._text("general.architecture")

    @property
    def name(self) -> str:
        """What the model is called by who made the file; empty where it is not told."""
        return self._text("general.name")

    @property
    def file_type(self) -> int | None:
        """The type of most weights, as llama.cpp numbers them (0 is F32, 1 is F16); None where it is not told."""
        return self._number("general.file_type")

    @property
    def split_count(self) -> int:
        """How many files the model is split into, 1 if it is not split."""
        return self._number("split.count") or 1

    @property
    def split_number(self) -> int:
        """Which of them this is, from 0."""
        return self._number("split.no") or 0

    @property
    def is_projector(self) -> bool:
        """Whether it is the part of a model that sees or hears, which goes beside the one that writes."""
        return self._text("general.type") == "mmproj" or self.architecture == "clip"

    @property
    def is_adapter(self) -> bool:
        """Whether it is an adapter (LoRA), which changes another model."""
        return self._text("general.type") == "adapter"

    def _text(self, key: str) -> str:
        value = self.metadata.get(key)
        return value if isinstance(value, str) else ""

    def _number(self, key: str) -> int | None:
        value = self.metadata.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def parse_gguf(data: bytes) -> GgufHead:
    """Read the head of a GGUF file from its first bytes; `GgufHead.is_complete` tells whether they were enough.

    Raises:
        NotGguf: it is something else, a version that is not read, or broken.
    """
    return _read_head(Window(io.BytesIO(data), len(data)), "This")


def read_gguf(path: Path) -> GgufHead:
    """Read the head of a local GGUF file, only as much as needed, and see that the file is long enough.

    It reads the disk: not for the loop or a frame.

    Raises:
        NotGguf: it is something else, broken, or cut off.
        InvalidRequest: it cannot be read.
    """
    try:
        what = path.stat()
        if stat.S_ISDIR(what.st_mode):
            raise NotGguf(f"{path.name or path} is a folder; name the GGUF file in it.")
        if not stat.S_ISREG(what.st_mode):  # a pipe would keep us waiting
            raise NotGguf(f"{path.name} is not an ordinary file; copy it to one first.")
        with path.open("rb", buffering=_BUFFER) as file:
            return _read_whole_head(file, what.st_size, path.name)
    except OSError as error:
        raise unreadable(path, error) from error


def _read_whole_head(file: BinaryIO, size: int, name: str) -> GgufHead:
    window = Window(file, size)
    head = _read_head(window, name)
    if not head.is_complete:
        raise NotGguf(f"{name} is cut off: it ends within its description; download it again.")
    alignment = head.metadata.get("general.alignment", 32)
    try:
        table = read_tensor_table(window, head.tensor_count, alignment if isinstance(alignment, int) else 32)
    except DataEnded:
        raise NotGguf(f"{name} is cut off: it ends within the list of its weights; download it again.") from None
    except Broken as broken:
        raise _broken(name, broken) from None
    _refuse_short(table, size, name)
    return structs.replace(head, size=table.needed_size, parameters=table.parameters)


def _refuse_short(table: TensorTable, size: int, name: str) -> None:
    needed = table.needed_size
    if needed is not None and size < needed:
        raise NotGguf(f"{name} is cut off: it has {size:,} of {needed:,} bytes; download it again.")


def _read_head(window: Window, name: str) -> GgufHead:
    version, tensor_count, kv_count = read_fixed(window, name)
    if kv_count > _ENTRY_LIMIT:
        raise _broken(name, Broken(f"it claims to have {kv_count:,} entries"))
    entries = Entries()
    is_complete = False
    try:
        for _ in range(kv_count):
            entries.read_next(window)
        is_complete = True
    except DataEnded:
        pass
    except Broken as broken:
        raise _broken(name, broken) from None
    return GgufHead(version, tensor_count, kv_count, entries.kept, entries.left_out, is_complete)


def read_fixed(window: Window, name: str) -> tuple[int, int, int]:
    """The version, the number of tensors and the number of entries. Raises NotGguf."""
    start = window.peek(512)
    if not start.startswith(MAGIC):
        raise NotGguf(what_it_is_instead(start, name))
    if len(start) < FIXED_BYTES:
        raise NotGguf(f"{name} is cut off: it is a GGUF file of {len(start)} bytes; download it again.")
    _, version, tensor_count, kv_count = struct.unpack("<4sIQQ", window.take(FIXED_BYTES))
    if version and not version & 0xFFFF:
        raise NotGguf(
            f"{name} is a big-endian GGUF file, for machines like IBM Z; get the usual, little-endian one of the model."
        )
    if version == 1:
        raise NotGguf(f"{name} is a GGUF file of version 1, from 2023; get a newer file of the model.")
    if version not in {2, 3}:
        raise NotGguf(
            f"{name} is a GGUF file of version {version}, and 2 and 3 are known; get another file of the model."
        )
    return version, tensor_count, kv_count


def _broken(name: str, broken: Broken) -> NotGguf:
    return NotGguf(f"{name} is a damaged GGUF file ({broken}); download it again.")


class Entries:
    """The entries of a file's metadata, as they are read."""

    def __init__(self) -> None:
        self.kept: dict[str, GgufValue] = {}
        self.left_out: dict[str, int] = {}
        self._room = _KEPT_IN_ALL
        self._elements = _ELEMENT_LIMIT

    def read_next(self, window: Window) -> str:
        """Read the next entry; its key. Raises DataEnded, Broken."""
        length = window.number("<Q")
        if length > _KEY_LIMIT:
            raise Broken(f"the name of an entry has {length:,} bytes")
        key = self._text(window.take(length))
        kind = window.number("<I")
        if kind == ARRAY:
            self._read_array(window, key)
        elif kind == STRING:
            size = window.number("<Q")
            if size > KEPT_TEXT or size > self._room:
                self.left_out[key] = size
                window.skip(size)
            else:
                self.kept[key] = self._text(window.take(size))
        else:
            (self.kept[key],) = self._numbers(window, kind, 1)
        return key

    def _text(self, data: bytes) -> str:
        self._spend(len(data) + 64)
        return data.decode("utf-8", "replace")

    def _spend(self, size: int) -> None:
        self._room -= size
        if self._room < 0:
            raise Broken("its description has more than 16 MiB")

    def _numbers(self, window: Window, kind: int, count: int) -> list[int] | list[float] | list[bool]:
        letter, size = _number_type(kind)
        self._spend(32 * count)
        values = struct.unpack(f"<{count}{letter}", window.take(count * size))
        return [bool(value) for value in values] if kind == BOOL else list(values)

    def _read_array(self, window: Window, key: str) -> None:
        kind, count = window.number("<I"), window.number("<Q")
        if count > KEPT_ELEMENTS or kind == ARRAY:
            self.left_out[key] = count
            self._pass_over(window, kind, count, 1)
        elif kind == STRING:
            texts = self._short_texts(window, count)
            if texts is None:
                self.left_out[key] = count
            else:
                self.kept[key] = texts
        else:
            self.kept[key] = self._numbers(window, kind, count)

    def _short_texts(self, window: Window, count: int) -> list[str] | None:
        """The texts of a short array; None where one of them is too long to be kept."""
        texts: list[str] | None = []
        for _ in range(count):
            size = window.number("<Q")
            if texts is None or size > KEPT_TEXT:
                texts = None
                window.skip(size)
            else:
                texts.append(self._text(window.take(size)))
        return texts

    def _pass_over(self, window: Window, kind: int, count: int, depth: int) -> None:
        if kind not in {STRING, ARRAY}:
            window.skip(count * _number_type(kind)[1])
            return
        if depth > _DEPTH_LIMIT:
            raise Broken("it has arrays in arrays in arrays")
        self._elements -= count
        if self._elements < 0:
            raise Broken(f"it claims to have an array of {count:,} elements")
        if kind == STRING:
            window.skip_texts(count)
            return
        for _ in range(count):
            inner, length = window.number("<I"), window.number("<Q")
            self._pass_over(window, inner, length, depth + 1)


def _number_type(kind: int) -> tuple[str, int]:
    known = NUMBERS.get(kind)
    if known is None:
        raise Broken(f"it has an entry of the unknown type {kind}")
    return known
