"""What the tests of deletion need: texts that can be recognised, a clock to be set by hand, a search of every byte."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecs_localai.store import Store
from tests.rig.parts import ROOT
from tests.store.store_parts import rows

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)
WINDOW = 16
"""So many bytes of a deleted text, wherever they were in it, are found in whatever file they lie."""

_BLOCK = 8
_ROUGH_BITS = 22
_NOTHING = np.zeros(0, np.uint64)
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" + "éßøłжд漢字語"
_LENGTHS = ((12, 15), (16, 40), (100, 400), (900, 1_400), (3_000, 5_000), (9_000, 20_000))
"""Of the first kinds many fit in a page; the last ones fill pages of their own."""


class ManualClock:
    """Says what it was set to."""

    def __init__(self, now: datetime = BEGIN) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def jump(self, by: timedelta) -> None:
        """Forth, or back."""
        self.now += by


def random_text(chance: random.Random, lengths: tuple[int, int] | None = None) -> str:
    """A text of which no piece comes again elsewhere."""
    least, most = lengths or chance.choice(_LENGTHS)
    return "".join(chance.choices(_LETTERS, k=chance.randint(least, most)))


def keep(store: Store, key: str, text: str, read_at: datetime, lifetime: timedelta | None) -> None:
    """Hand a text to the store as the program does."""
    store.put_context(key, json.dumps({"text": text}, ensure_ascii=False).encode(), read_at, lifetime)


def kept(folder: Path) -> dict[str, str]:
    """The texts that the file has, by their keys."""
    found = rows(folder, "SELECT key, value FROM browser_context")
    return {str(key): json.loads(str(value))["context"]["text"] for key, value in found}


def look_now(store: Store) -> None:
    """Have the store look at its clock now, as it does by itself within a minute; everything else stays."""
    store.retain_contexts(None)


def pieces(folder: Path, texts: Iterable[str]) -> list[str]:
    """Where in the folder any `WINDOW` bytes of one of these texts lie (or all of a shorter one).

    Every byte of every file is looked at, though not all places are told. Any 15 bytes of a text have 8 among them
    that begin at a multiple of 8: those are looked up, from every place in the files, and what is found is compared.
    """
    contents = {file.name: file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}
    encoded = [text.encode() for text in texts]
    blocks = np.unique(np.concatenate([_NOTHING, *(_numbers(text) for text in encoded)]))
    rough = np.zeros(1 << _ROUGH_BITS, bool)  # says of most numbers quickly that they are not among them
    rough[_rough(blocks)] = True
    found = []
    for name, content in contents.items():
        found += [f"{text!r} in {name}" for text in encoded if len(text) < WINDOW and text in content]
        for begin in range(_BLOCK):
            numbers = _numbers(content[begin:])
            likely = np.flatnonzero(rough[_rough(numbers)])
            places = np.minimum(np.searchsorted(blocks, numbers[likely]), max(len(blocks) - 1, 0))
            for index in likely[blocks[places] == numbers[likely]][:20] if len(likely) else ():
                at = begin + int(index) * _BLOCK
                found += [f"{text!r} in {name} at {at}" for text in _same(content, at, encoded)]
    return found


def _same(content: bytes, at: int, texts: list[bytes]) -> Iterator[bytes]:
    """The pieces of `WINDOW` bytes or more that a text and the content share round this place."""
    block = content[at : at + _BLOCK]
    for text in texts:
        place = text.find(block)
        if place < 0:
            continue
        before = after = 0
        while before < min(at, place) and content[at - before - 1] == text[place - before - 1]:
            before += 1
        rest, other = content[at:], text[place:]
        while after < min(len(rest), len(other)) and rest[after] == other[after]:
            after += 1
        if before + after >= WINDOW:
            yield content[at - before : at + after]


def _numbers(content: bytes) -> npt.NDArray[np.uint64]:
    """Each 8 bytes as a number; what is left over is not said."""
    return np.frombuffer(content, np.uint64, len(content) // _BLOCK)


def _rough(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    return (numbers * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - _ROUGH_BITS)


def start_forgetting(*args: str) -> subprocess.Popen[str]:
    """Runs `forgetting_child.py` with this interpreter and this package."""
    path = os.pathsep.join(path for path in (str(ROOT), *sys.path) if path)
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "tests.store.forgetting_child", *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": path},
    )
