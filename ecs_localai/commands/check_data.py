"""``ecs-localai data check``: whether what is kept is sound."""

from __future__ import annotations

import msgspec

from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import say, say_json
from ecs_localai.store.migrations import SCHEMA_VERSION
from ecs_localai.store.opening import FILE_NAME
from ecs_localai.store.reading import Checked, ReadingError, check_file, copies_beside, is_log_alone, is_there


class DataChecked(msgspec.Struct, frozen=True):
    """What ``data check --json`` tells."""

    file: str
    sound: bool
    schema: int | None
    """None where there is no file, or even that cannot be read."""
    entries: int
    """So many were compared with their checksums."""
    problems: list[str]
    """Sentences."""


def check_data(target: Target, as_json: bool) -> int:
    """Print whether the file is sound; returns the exit code. Nothing is changed.

    Raises:
        CommandFailed: it is not, or it cannot be read.
    """
    file = target.folder() / FILE_NAME
    if not is_there(file) and not is_log_alone(file):
        if as_json:
            say_json(DataChecked(str(file), True, None, 0, []))
        else:
            say(f"There is no file {file}: nothing has been kept yet.")
        return 0
    try:
        checked = check_file(file)
    except ReadingError as error:
        raise CommandFailed(str(error)) from error
    if as_json:
        say_json(DataChecked(str(file), not checked.problems, checked.schema, checked.entries, checked.problems))
    else:
        for problem in checked.problems:
            say(problem)
        if not checked.problems:
            say(f"{file} is sound: {_what_was_checked(checked)}.")
        for copy in copies_beside(file):
            say(f"{copy.file} lies beside it: {copy.what}.")
    if checked.problems:
        raise CommandFailed(
            f"{file} is damaged. The next start of the panel saves what can be read, and sets the damaged file aside."
            if not checked.is_usable
            else f"{file} holds what was not written so. It is passed over wherever it is read."
        )
    return 0


def _what_was_checked(checked: Checked) -> str:
    if checked.schema is not None and checked.schema > SCHEMA_VERSION:
        return "its structure, at least; a newer version wrote it, whose entries this one cannot check"
    if checked.schema is not None and 0 < checked.schema < SCHEMA_VERSION:
        return "its structure, at least; an older version wrote it, which kept no checksums"
    entries = f"{checked.entries:,} {'entry' if checked.entries == 1 else 'entries'}"
    return f"its structure, and {entries} by their checksums"
