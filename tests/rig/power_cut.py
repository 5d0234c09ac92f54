"""A disk that forgets what was not synced: what a folder may look like after the power went at some moment.

The model, weaker than the file systems in use, so that what holds here holds on them:

* What was written to a file before an ``fsync`` or ``fdatasync`` that came back is there.
* Of what was written later, each sector of 512 bytes may be there or not, by itself; what it holds is what the kernel's
  cache held for it at some moment since. In between there are the likelier ways: nothing, everything, everything up to
  some write that is torn at a sector, and whole pages of 4096 bytes or none of them.
* Where the file grew and the new sectors did not come, it may be shorter, or hold zeros there, or old rubbish.
* Names (creating, renaming, removing) are certain only once their own folder was synced (POSIX). Later ones are there
  up to some moment, in their order: the file systems in use keep these in a journal (ext4, XFS, NTFS) or in trees that
  are replaced whole (btrfs, APFS). With ``journal`` set, any sync that came back also made all earlier names certain:
  ext4 and XFS write their one journal up to that moment, and btrfs logs a new file together with its new folders.
  That a name is there says nothing about the file's content.
* Sizes set by ``ftruncate`` are kept in their order with the names' rules of journals: a write that came after one is
  not there without it.
* Files that the program maps into its memory (SQLite's ``-shm``) hold anything.

Not in the model: a disk that lies about having synced, and sectors that change without being written.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from tests.rig.write_log import (
    Event,
    FolderMade,
    Opened,
    Removed,
    Renamed,
    Resized,
    SyncBegun,
    SyncDone,
    Written,
)

SECTOR = 512
PAGE = 4096
_ROOT = PurePosixPath()


class _Pending(NamedTuple):
    """A write, or with ``data`` as None a new size, that no sync has covered."""

    at: int
    offset: int
    data: bytes | None


@dataclass
class _File:
    certain: bytearray = field(default_factory=bytearray)
    pending: list[_Pending] = field(default_factory=list)

    def sync(self, mark: int) -> bool:
        """Everything that happened before ``mark`` is certain now; True if the file has got another size by it."""
        before = len(self.certain)
        covered = [each for each in self.pending if each.at < mark]
        self.pending = [each for each in self.pending if each.at >= mark]
        for each in covered:
            _put(self.certain, each)
        return len(self.certain) != before

    def after_power_cut(self, chance: random.Random) -> bytes:
        """One of the contents that the disk may hold."""
        pending = self.pending
        way = chance.choice(("nothing", "everything", "torn", "pages", "sectors"))
        if way == "nothing" or not pending:
            return bytes(self.certain)
        if way == "everything":
            return _merged(self.certain, pending, lambda _index, _sector: True, chance)
        if way == "torn":
            last = chance.randrange(len(pending))
            _, offset, data = pending[last]
            tear = chance.randint(offset // SECTOR, _sectors(offset + len(data or b"")))
            return _merged(
                self.certain, pending[: last + 1], lambda index, sector: index < last or sector < tear, chance
            )
        sizes = [index for index, each in enumerate(pending) if each.data is None]
        end = chance.choice([*sizes, len(pending)])  # the first new size that didn't come, and what followed it
        block = 1 if way == "sectors" else PAGE // SECTOR
        until: dict[int, int] = {}  # up to which write each block came
        return _merged(
            self.certain,
            pending[:end],
            lambda index, sector: index < until.setdefault(sector // block, chance.randint(0, end)),
            chance,
        )


@dataclass
class _Naming:
    """Something that happened to a name. ``file`` None: it is a folder's, or the name goes."""

    at: int
    path: PurePosixPath
    file: int | None
    old: PurePosixPath | None = None
    makes_folder: bool = False
    certain: bool = False

    def folders(self) -> list[PurePosixPath]:
        return [path.parent for path in (self.path, self.old) if path is not None]


class Disk:
    """Takes the events of a log one by one, and says at any moment what a power cut may leave."""

    def __init__(self, before: Path, *, journal: bool = False, mapped: tuple[str, ...] = ("-shm",)) -> None:
        """``before`` holds what certainly lay in the folder before the log began."""
        self._journal = journal
        self._mapped = mapped
        self._clock = 0
        self._files: dict[int, _File] = {}
        self._namings: list[_Naming] = []
        self._handles: dict[int, int | PurePosixPath] = {}  # what is open: a file by number, or a folder
        self._syncs: dict[int, int] = {}  # when each sync that is under way was called
        for path in sorted(before.rglob("*")):
            name = PurePosixPath(path.relative_to(before))
            file = None if path.is_dir() else self._new_file(path.read_bytes())
            self._namings.append(_Naming(0, name, file, makes_folder=path.is_dir(), certain=True))

    def apply(self, event: Event) -> None:
        """Lets the next thing happen."""
        self._clock += 1
        now = self._clock
        match event:
            case Opened():
                self._open(event, now)
            case Written(handle, offset, data):
                self._file(handle).pending.append(_Pending(now, offset, data))
            case Resized(handle, size):
                self._file(handle).pending.append(_Pending(now, size, None))
            case SyncBegun(_, call):
                self._syncs[call] = now
            case SyncDone(handle, call):
                self._sync(self._handles[handle], self._syncs.pop(call))
            case Removed(path):
                self._namings.append(_Naming(now, path, None))
            case Renamed(old, new):
                self._namings.append(_Naming(now, new, self._names(self._namings).get(old), old))
            case FolderMade(path):
                self._namings.append(_Naming(now, path, None, makes_folder=True))
            case _:
                return  # what the program said

    def after_power_cut(self, chance: random.Random) -> dict[PurePosixPath, bytes | None]:
        """One of the folders that may be there: the files' contents, None for a folder."""
        open_ones = [naming for naming in self._namings if not naming.certain]
        kept = chance.choice([0, len(open_ones), chance.randint(0, len(open_ones))])
        until = open_ones[kept].at if kept < len(open_ones) else self._clock + 1
        there = [naming for naming in self._namings if naming.certain or naming.at < until]
        return {path: self._content(path, file, chance) for path, file in self._names(there).items()}

    def _content(self, path: PurePosixPath, file: int | None, chance: random.Random) -> bytes | None:
        if file is None:
            return None
        if path.name.endswith(self._mapped):
            return chance.randbytes(chance.choice((0, 3, PAGE, 8 * PAGE)))
        return self._files[file].after_power_cut(chance)

    def _open(self, event: Opened, now: int) -> None:
        names = self._names(self._namings)
        if event.path == _ROOT or (event.path in names and names[event.path] is None):
            self._handles[event.handle] = event.path
            return
        file = names.get(event.path)
        if file is None:
            if not event.created:
                raise LookupError(f"{event.path} was opened, but the log does not say how it came to be")
            file = self._new_file(b"")
            self._namings.append(_Naming(now, event.path, file))
        elif event.emptied:
            self._files[file].pending.append(_Pending(now, 0, None))
        self._handles[event.handle] = file

    def _sync(self, what: int | PurePosixPath, mark: int) -> None:
        changed = self._files[what].sync(mark) if isinstance(what, int) else True
        wrote_journal = self._journal and changed
        for naming in self._namings:
            if naming.at < mark and (wrote_journal or what in naming.folders()):
                naming.certain = True

    def _file(self, handle: int) -> _File:
        number = self._handles[handle]
        if not isinstance(number, int):
            raise TypeError(f"a folder was written to: {number}")
        return self._files[number]

    def _new_file(self, content: bytes) -> int:
        number = len(self._files)
        self._files[number] = _File(bytearray(content))
        return number

    @staticmethod
    def _names(namings: Iterable[_Naming]) -> dict[PurePosixPath, int | None]:
        """What these lead to: files by number, folders as None. What lies in no folder is nowhere."""
        names: dict[PurePosixPath, int | None] = {}
        for naming in namings:
            if naming.old is not None:
                names.pop(naming.old, None)
            if naming.file is None and not naming.makes_folder:
                names.pop(naming.path, None)
            elif naming.path.parent == _ROOT or naming.path.parent in names:
                names[naming.path] = naming.file
        return names


def lay_out(names: dict[PurePosixPath, bytes | None], folder: Path) -> None:
    """Writes such a folder for real."""
    folder.mkdir()
    for name, content in names.items():
        if content is None:
            (folder / name).mkdir()
        else:
            (folder / name).write_bytes(content)
            (folder / name).chmod(0o600)


def _put(image: bytearray, change: _Pending) -> None:
    if change.data is None:
        _resize(image, change.offset)
        return
    if change.offset > len(image):
        _resize(image, change.offset)
    image[change.offset : change.offset + len(change.data)] = change.data


def _resize(image: bytearray, size: int) -> None:
    if size < len(image):
        del image[size:]
    else:
        image.extend(bytes(size - len(image)))


def _merged(
    certain: bytearray, pending: list[_Pending], comes: Callable[[int, int], bool], chance: random.Random
) -> bytes:
    """What was certain, and of each later write the sectors for which ``comes(index, sector)`` says so."""
    image = bytearray(certain)
    kept = set(range(_sectors(len(image))))
    for index, (_, offset, data) in enumerate(pending):
        if data is None:
            _resize(image, offset)
            kept = set(range(_sectors(offset)))
            continue
        end = offset + len(data)
        if end > len(image):
            _resize(image, end)
        for sector in range(offset // SECTOR, _sectors(end)):
            if comes(index, sector):
                kept.add(sector)
                begin, stop = max(sector * SECTOR, offset), min((sector + 1) * SECTOR, end)
                image[begin:stop] = data[begin - offset : stop - offset]
    sectors = _sectors(len(image))
    match chance.choice(("shorter", "zeros", "rubbish")):
        case "shorter":
            del image[(max(kept, default=-1) + 1) * SECTOR :]
        case "rubbish":
            for sector in set(range(sectors)) - kept:
                begin, stop = sector * SECTOR, min((sector + 1) * SECTOR, len(image))
                image[begin:stop] = chance.randbytes(stop - begin)
        case _:
            pass  # zeros, as they are
    return bytes(image)


def _sectors(size: int) -> int:
    """How many sectors hold so many bytes."""
    return -(-size // SECTOR)
