"""Background work: files are read and hashed while the frames go on, and progress streams into components.

Give it files: ``python examples/background_hashing.py *.iso``; without any it hashes the Python that runs it. Reading
happens in the app's background thread. A channel carries only the newest fraction, so a fast disk cannot flood a slow
frame. Deleting an entity would cancel its task.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

from ecs_localai import (
    App,
    AppExit,
    Commands,
    EventWriter,
    IoTaskPool,
    Latest,
    Query,
    Res,
    Startup,
    Task,
    Update,
    chain,
)

BLOCK_BYTES = 1 << 20


@dataclass
class FileToHash:
    path: Path
    fraction: float = 0.0


@dataclass
class Hashing:
    """The work in flight. A component that holds a task keeps it alive."""

    task: Task[str]
    fractions: Latest[float]


async def sha256_of(path: Path, fractions: Latest[float]) -> str:
    """Runs in the background; blocking calls go to a thread, so that other tasks of the loop go on too."""
    digest = hashlib.sha256()
    size = max(1, (await asyncio.to_thread(path.stat)).st_size)
    file = await asyncio.to_thread(path.open, "rb")
    with file:
        done = 0
        while block := await asyncio.to_thread(file.read, BLOCK_BYTES):
            digest.update(block)
            done += len(block)
            fractions.send(done / size)
    return digest.hexdigest()


def begin(files: Query[FileToHash], tasks: Res[IoTaskPool], commands: Commands) -> None:
    for entity, file in files:
        fractions: Latest[float] = tasks.channel()
        commands.insert(entity, Hashing(tasks.spawn(sha256_of(file.path, fractions), str(file.path)), fractions))


def show_progress(file: FileToHash, fractions: Latest[float]) -> None:
    fraction = fractions.take()
    if fraction is not None and int(fraction * 10) > int(file.fraction * 10):
        file.fraction = fraction
        print(f"{fraction:4.0%}  {file.path.name}")


def follow(work: Query[FileToHash, Hashing], commands: Commands) -> None:
    for entity, (file, hashing) in work:
        is_finished = hashing.task.is_finished()  # asked first, so that its last fraction has come if it is
        show_progress(file, hashing.fractions)
        if not is_finished:
            continue
        try:
            print(f"{hashing.task.check_ready()}  {file.path}")
        except OSError as error:  # what the task raised is raised here
            print(f"cannot be read: {error}", file=sys.stderr)
        commands.despawn(entity)


def end_when_done(files: Query[FileToHash], exits: EventWriter[AppExit]) -> None:
    if not files:
        exits.write(AppExit())


def main() -> int:
    paths = [Path(argument) for argument in sys.argv[1:]] or [Path(sys.executable).resolve()]
    with App() as app:
        for path in paths:
            app.world.spawn(FileToHash(path))
        app.add_systems(Startup, begin)
        app.add_systems(Update, chain(follow, end_when_done))
        return app.run()


if __name__ == "__main__":
    sys.exit(main())
