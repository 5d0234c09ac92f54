"""``ecs-localai data forget``: deleting what is kept, so that no byte of it is left in the file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from ecs_localai.commands.confirming import confirm
from ecs_localai.commands.data_kinds import KINDS, entries_of, tables_of
from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import say, say_json, warn
from ecs_localai.components.browser import PairedBrowser
from ecs_localai.components.secret_source import SecretPlace
from ecs_localai.components.wording import format_list
from ecs_localai.ollama.errors import OllamaError
from ecs_localai.ollama.server_log import delete_server_logs, server_logs
from ecs_localai.store.opening import FILE_NAME
from ecs_localai.store.reading import ReadingError, copies_beside, is_open, is_there, read_summary
from ecs_localai.store.store import Store
from ecs_localai.store.tables import Table
from ecs_localai.systems.paired_browsers import KEY_FOLDER, forget_key, read_paired_browsers
from ecs_localai.systems.saved_hosts import SavedHost, read_saved_hosts
from ecs_localai.systems.unused_secrets import typed_entries

WIPE_SECONDS = 30.0
"""So long is waited for the bytes to go: writing a file of some megabytes anew, and other programs that read it."""


class Forgotten(msgspec.Struct, frozen=True):
    """What ``data forget --json`` tells."""

    file: str
    kinds: list[str]
    entries: int | None
    """How many were deleted; None where that was not known before."""
    copies: list[str]
    """The copies beside the file that were deleted."""
    keyring_entries: list[str]
    """The entries of the keyring that were deleted."""
    browser_keys: list[str]
    """The ids of the browsers whose keys were deleted."""
    logs: list[str]
    """The files that were deleted of what a server wrote that this program ran."""
    is_file_clean: bool
    """Whether no byte of it is left in the file."""
    is_gone: bool
    """Whether none is left in the copies beside it either."""
    problems: list[str]
    """Sentences about what is left, and why."""


def forget_data(target: Target, kinds: Sequence[str], *, everything: bool, yes: bool, as_json: bool) -> int:
    """Delete these kinds of data; returns the exit code.

    Raises:
        CommandFailed: it was not wanted, nobody can be asked, the file cannot be written, or something is left.
    """
    file = target.folder() / FILE_NAME
    copies = [copy.file for copy in copies_beside(file)] if everything else []
    others = [*server_logs(file.parent), *_key_files(file)] if everything else []
    if not is_there(file) and not copies and not others:
        told = Forgotten(str(file), list(kinds), 0, [], [], [], [], True, True, [])
        _tell(told, as_json, nothing=f"There is no file {file}: nothing is kept, so there is nothing to forget.")
        return 0
    entries = _count(file, kinds)
    if not yes:
        _ask(kinds, entries, copies, everything)
    told = _forget(file, kinds, entries, everything)
    _tell(told, as_json)
    if is_open(file) and not as_json:  # still, after we have closed it; the last one to close clears up
        warn(
            "A program runs with this data. It may know still what was deleted, and keep it again: close it, and "
            "forget once more to be sure."
        )
    if told.problems or not told.is_gone:
        raise CommandFailed(*told.problems or ("It is not known whether all of it is gone. Try again.",))
    return 0


def _count(file: Path, kinds: Sequence[str]) -> int | None:
    try:
        summary = read_summary(file)
    except ReadingError:
        return None
    return sum(entries_of(summary, kind) for kind in kinds)


def _ask(kinds: Sequence[str], entries: int | None, copies: Sequence[str], everything: bool) -> None:
    if everything:
        count = "" if entries is None else f", {_entries(entries)}"
        also = f" and {len(copies)} {'copy' if len(copies) == 1 else 'copies'} beside it" if copies else ""
        question = f"Delete everything that is kept{count}{also}, and the secrets typed for hosts?"
    else:
        count = "" if entries is None else f", {_entries(entries)}"
        question = f"Delete {', '.join(f'{kind} ({KINDS[kind].what})' for kind in kinds)}{count}?"
    confirm(f"{question} This cannot be undone.", "Give --yes to delete it.", "Nothing was deleted.")


def _forget(file: Path, kinds: Sequence[str], entries: int | None, everything: bool) -> Forgotten:
    with Store.open(file.parent) as store:
        hosts, _ = read_saved_hosts(store.initial.hosts, store.initial.settings)
        browsers = read_paired_browsers(store.initial.browsers)
        store.failures.clear()  # about rows that are to go anyway
        # An older or a damaged file has one more by now than before it was opened.
        copies = [copy.file for copy in copies_beside(file)] if everything else []
        if everything:
            store.forget_everything()
        else:
            _forget_kinds(store, kinds)
        is_clean = store.flush(WIPE_SECONDS)
        problems = list(dict.fromkeys(store.failures))
        if not is_clean and store.notice is not None and store.notice not in problems:
            problems.append(store.notice)
        if not is_clean and not problems:
            problems.append(f"It took too long to take it out of {file}; the next start goes on with that.")
    left = [copy.file for copy in copies_beside(file)]
    if left and not everything:
        # One sentence of ours for all of them, instead of the store's for some.
        problems = [problem for problem in problems if not any(copy in problem for copy in left)]
        problems.append(
            f"It may still be in {' and in '.join(left)}, beside the file. Delete that yourself, or forget everything, "
            "if nothing in it is needed any more."
        )
    forgotten: list[str] = []
    if is_clean and (everything or "hosts" in kinds):
        forgotten, in_keyring = _forget_secrets(hosts)
        problems.extend(in_keyring)
    without_key: list[str] = []
    if is_clean and (everything or "browsers" in kinds):
        without_key, kept = _forget_keys(file, browsers)
        problems.extend(kept)
    logs = [str(log) for log in server_logs(file.parent)] if everything else []
    if everything:
        problems.extend(delete_server_logs(file.parent))
    return Forgotten(
        file=str(file),
        kinds=list(kinds),
        entries=entries,
        copies=[copy for copy in copies if copy not in left],
        keyring_entries=forgotten,
        browser_keys=without_key,
        logs=[log for log in logs if not Path(log).exists()],
        is_file_clean=is_clean,
        is_gone=is_clean and not left,
        problems=problems,
    )


def _forget_kinds(store: Store, kinds: Sequence[str]) -> None:
    for kind in kinds:
        for key in KINDS[kind].settings:
            store.remove(Table.SETTINGS, key)
    store.forget(*(table for kind in kinds for table in tables_of(kind)))


def _forget_secrets(hosts: Sequence[SavedHost]) -> tuple[list[str], list[str]]:
    """Take out of the keyring what was typed for these hosts; those that were there, and what went wrong.

    An entry that a person has named stays: it may be in use elsewhere.
    """
    from ecs_localai.ollama.secrets import forget_in_keyring

    forgotten, problems = [], []
    for entry in dict.fromkeys(entry for host in hosts for entry in typed_entries(host.config)):
        try:
            if forget_in_keyring(entry):
                forgotten.append(entry)
        except OllamaError as error:
            problems.append(f"A secret is still in the keyring, as {entry!r}. {error.message}")
    return forgotten, problems


def _forget_keys(file: Path, browsers: Mapping[str, PairedBrowser]) -> tuple[list[str], list[str]]:
    """Delete the keys of these browsers, and those beside the file of which nobody knows any more whose they are."""
    forgotten, problems = [], []
    for browser_id, browser in browsers.items():
        if browser.key.place is not SecretPlace.KEYRING and Path(browser.key.name).parent.name != KEY_FOLDER:
            continue  # no file of ours, whatever the row says
        try:
            forget_key(browser.key)
            forgotten.append(browser_id)
        except (OllamaError, OSError) as error:
            problems.append(f"The key of the browser {browser_id} could not be deleted. {error}")
    for path in _key_files(file):
        try:
            path.unlink()
        except OSError as error:
            problems.append(f"{path} could not be deleted ({error.strerror or error}); delete it yourself.")
    return forgotten, problems


def _key_files(file: Path) -> list[Path]:
    folder = file.with_name(KEY_FOLDER)
    return list(folder.iterdir()) if os.path.isdir(folder) else []  # unlike Path.is_dir(), never an error


def _tell(told: Forgotten, as_json: bool, nothing: str | None = None) -> None:
    if as_json:
        say_json(told)
        return
    if nothing is not None:
        say(nothing)
        return
    if told.is_file_clean:
        count = "all" if told.entries is None else _entries(told.entries)
        say(f"Deleted: {count}. No byte of it is left in {told.file}.")
    for deleted in (*told.copies, *told.logs):
        say(f"Deleted: {deleted}.")
    if told.keyring_entries:
        say(f"Deleted from the keyring: {format_list(told.keyring_entries)}.")
    if told.browser_keys:
        say(f"Deleted: the keys of the browsers {format_list(told.browser_keys)}.")


def _entries(count: int) -> str:
    return f"{count:,} {'entry' if count == 1 else 'entries'}"
