"""What a program really told the kernel to write below a folder, in order: recorded by ``strace``.

The program is one process; its threads may all write. Calls that would write in a way which is not understood here
raise UnknownWrite, so that the log never leaves something out silently. Memory maps of a file that are shared and
writable cannot be followed: they too raise, unless the file's name ends in one of ``mapped`` (SQLite's ``-shm``).
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TypeAlias

from tests.rig.parts import PartMissing, find_program

_FOLLOWED = "openat,creat,close,lseek,write,pwrite64,ftruncate,fsync,fdatasync,unlink,unlinkat,rename,renameat,\
renameat2,mkdir,mkdirat,rmdir,mmap"
_NOT_FOLLOWED = "open,writev,pwritev,pwritev2,truncate,fallocate,sync_file_range,sync,syncfs,link,linkat,symlink,\
symlinkat,sendfile,copy_file_range,dup,dup2,dup3,splice"
_LINE = re.compile(r"(\d+) +(.*)")
_RESUMED = re.compile(r"<\.\.\. (\w+) resumed>(.*)")
_CALL = re.compile(r"(\w+)\((.*)\) += (-?\d+|\?)(.*)")
_DESCRIPTOR = re.compile(r"(-?\d+|AT_FDCWD)(?:<([^>]*)>)?")
_HEX = re.compile(r"(?:\\x[0-9a-f]{2})+")
_LONGEST = 1 << 21  # bytes of one write that strace shows


class UnknownWrite(Exception):
    """The program wrote in a way that the log cannot follow; the text is strace's line."""


class Opened(NamedTuple):
    """A file is open under ``handle``, which no other opening has; created, and emptied, where that was asked."""

    handle: int
    path: PurePosixPath
    created: bool
    emptied: bool


class Written(NamedTuple):
    """Bytes were handed to the kernel; that they are on the disk is not said."""

    handle: int
    offset: int
    data: bytes


class Resized(NamedTuple):
    """``ftruncate``."""

    handle: int
    size: int


class SyncBegun(NamedTuple):
    """``fsync`` or ``fdatasync`` was called: what was written before will be on the disk when it ends."""

    handle: int
    call: int


class SyncDone(NamedTuple):
    """The same call came back."""

    handle: int
    call: int


class Removed(NamedTuple):
    """A file or an empty folder lost its name."""

    path: PurePosixPath


class Renamed(NamedTuple):
    """A file or folder got another name, taking it from whatever had it."""

    old: PurePosixPath
    new: PurePosixPath


class FolderMade(NamedTuple):
    """``mkdir``."""

    path: PurePosixPath


class Said(NamedTuple):
    """The program began to write this to its standard output."""

    text: str


Event: TypeAlias = Opened | Written | Resized | SyncBegun | SyncDone | Removed | Renamed | FolderMade | Said


def record(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], *, mapped: tuple[str, ...] = ("-shm",)
) -> list[Event]:
    """Runs a command to its end and returns what it did below the folder, in order; paths are relative to it.

    Raises PartMissing where there is no strace or it may not trace; CalledProcessError if the command fails.
    """
    strace = find_program("strace", remedy="on Debian: apt-get install strace")
    log = folder.parent / f"{folder.name}.strace"
    options = ["-f", "-y", "-xx", "-s", str(_LONGEST), "--seccomp-bpf", "-e", f"trace={_FOLLOWED},{_NOT_FOLLOWED}"]
    may_trace = subprocess.run([strace, *options, "-o", log, "true"], capture_output=True, text=True, check=False)
    if may_trace.returncode != 0:
        raise PartMissing(f"strace may not watch a program here: {may_trace.stderr.strip()}")
    full = [str(strace), *options, "-o", str(log), *command]
    done = subprocess.run(full, capture_output=True, text=True, check=False, env=environment, timeout=100)
    if done.returncode != 0:
        raise subprocess.CalledProcessError(done.returncode, list(command), done.stdout, done.stderr)
    try:
        with log.open(encoding="ascii") as lines:
            return list(_Reader(PurePosixPath(os.path.realpath(folder)), mapped).read(lines))
    finally:
        log.unlink()


@dataclass
class _Handle:
    number: int
    position: int = 0
    appends: bool = False


class _Reader:
    """Reads strace's lines. Descriptors belong to the process; a handle is one opening of a file below the root."""

    def __init__(self, root: PurePosixPath, mapped: tuple[str, ...]) -> None:
        self._root = root
        self._mapped = mapped
        self._handles: dict[int, _Handle] = {}
        self._opened = 0
        self._sizes: dict[int, int] = {}

    def read(self, lines: Iterator[str]) -> Iterator[Event]:
        """All events. A call that other threads' calls interrupt counts from its end, a sync from both of its ends."""
        unfinished: dict[str, str] = {}
        waiting: dict[str, int] = {}  # the syncs that have begun, by thread
        for number, line in enumerate(lines):
            match = _LINE.match(line)
            if match is None:
                continue
            thread, text = match.groups()
            begun = not text.startswith("<...")
            if begun:
                yield from self._begin(text, number, thread, waiting)
            if text.endswith("<unfinished ...>"):
                unfinished[thread] = text.removesuffix("<unfinished ...>").rstrip()
                continue
            resumed = _RESUMED.match(text)
            if resumed is not None:
                text = unfinished.pop(thread) + resumed[2]
            call = _CALL.match(text)
            if call is not None:
                sync = waiting.pop(thread, None)
                if not call[3].startswith(("-", "?")):
                    yield from self._end(call[1], call[2], int(call[3]), sync, line)

    def _begin(self, text: str, number: int, thread: str, waiting: dict[str, int]) -> Iterator[Event]:
        """What counts from the moment when it is called."""
        name, _, rest = text.partition("(")
        if name in ("fsync", "fdatasync"):
            handle = self._handle(rest)
            if handle is not None:
                waiting[thread] = number
                yield SyncBegun(handle.number, number)
        elif name == "write" and rest.startswith("1<"):
            yield Said(_text(rest.split(", ")[1].removesuffix(" <unfinished ...>")).decode())

    def _end(self, name: str, arguments: str, result: int, sync: int | None, line: str) -> Iterator[Event]:
        """What a call that succeeded did."""
        handle = self._handle(arguments)
        parts = arguments.split(", ")
        match name:
            case "openat":
                yield from self._open(_text(parts[1]), parts[2], result)
            case "close":
                self._handles.pop(int(_DESCRIPTOR.match(arguments)[1]), None)  # type: ignore[index]  # close(FD)
            case "fsync" | "fdatasync" if handle is not None and sync is not None:
                yield SyncDone(handle.number, sync)
            case "write" | "pwrite64" if handle is not None:
                data = _text(parts[1])[:result]
                if len(data) != result or handle.appends:
                    raise UnknownWrite(line[:300])
                offset = int(parts[3]) if name == "pwrite64" else handle.position
                if name == "write":
                    handle.position += result
                yield Written(handle.number, offset, data)
            case "lseek" if handle is not None:
                handle.position = result
            case "ftruncate" if handle is not None:
                yield Resized(handle.number, int(parts[1]))
            case "mmap":
                self._map(parts, line)
            case "unlink" | "rmdir":
                yield from (Removed(path) for path in self._paths(parts[:1]))
            case "unlinkat":
                yield from (Removed(path) for path in self._paths(parts[1:2]))
            case "mkdir":
                yield from (FolderMade(path) for path in self._paths(parts[:1]))
            case "mkdirat":
                yield from (FolderMade(path) for path in self._paths(parts[1:2]))
            case "rename" | "renameat" | "renameat2":
                names = parts[:2] if name == "rename" else [parts[1], parts[3]]
                both = list(self._paths(names))
                if len(both) == 2:
                    yield Renamed(*both)
                elif both:
                    raise UnknownWrite(line[:300])
            case _ if name in _NOT_FOLLOWED.split(",") and self._is_ours(arguments):
                raise UnknownWrite(line[:300])

    def _open(self, name: bytes, flags: str, descriptor: int) -> Iterator[Event]:
        self._handles.pop(descriptor, None)
        for path in self._paths_of([name]):
            self._opened += 1
            self._handles[descriptor] = _Handle(self._opened, appends="O_APPEND" in flags)
            yield Opened(self._opened, path, "O_CREAT" in flags, "O_TRUNC" in flags)

    def _map(self, parts: list[str], line: str) -> None:
        shared = "MAP_SHARED" in parts[3] and "PROT_WRITE" in parts[2]
        if shared and self._handle(parts[4]) is not None:
            path = _text(parts[4]).decode().partition("<")[2].rstrip(">")
            if not path.removesuffix("(deleted)").endswith(self._mapped):
                raise UnknownWrite(line[:300])

    def _handle(self, arguments: str) -> _Handle | None:
        match = _DESCRIPTOR.match(arguments)
        if match is None or match[1] == "AT_FDCWD":
            return None
        return self._handles.get(int(match[1]))

    def _is_ours(self, arguments: str) -> bool:
        return self._handle(arguments) is not None or str(self._root) in _text(arguments).decode(errors="replace")

    def _paths(self, quoted: Sequence[str]) -> Iterator[PurePosixPath]:
        return self._paths_of([_text(part) for part in quoted])

    def _paths_of(self, names: Sequence[bytes]) -> Iterator[PurePosixPath]:
        """Those that lie below the root, relative to it."""
        for name in names:
            path = PurePosixPath(os.fsdecode(name))
            with contextlib.suppress(ValueError):  # it lies elsewhere
                yield path.relative_to(self._root)


def _text(quoted: str) -> bytes:
    """The bytes that strace wrote as ``"\\x61..."``; raises UnknownWrite where it cut them short."""
    if quoted.endswith("..."):
        raise UnknownWrite(f"too long for the log: {quoted[:80]}")
    plain = quoted.strip('"')
    if _HEX.fullmatch(plain):
        return bytes.fromhex(plain.replace("\\x", ""))
    return _HEX.sub(lambda found: bytes.fromhex(found[0].replace("\\x", "")).decode("latin-1"), plain).encode("latin-1")
