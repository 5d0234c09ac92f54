"""A storm of changes, and what the store must say after any number of them.

The changes come in rounds, each of one change of every kind, in the same order. So what a file says tells after exactly
how many changes it was cut, and any other state (a change missing, or there without an earlier one) is none of the
states that ``state_after`` knows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from ecs_localai.store import JsonValue, ModelUsage, Store
from ecs_localai.store.moments import to_microseconds
from ecs_localai.store.tables import Table
from tests.store.store_parts import rows

BEGIN = datetime(2025, 6, 1, tzinfo=UTC)
LONG = 30_000
"""Characters of every tenth installation: its row fills several pages."""
REMOVED_AFTER = 3
"""So many rounds later a registry entry is taken out."""
FORGOTTEN_EVERY = 40
"""After so many rounds everything in one table is forgotten."""


def _data(number: int) -> str:
    return f'{{"number":{number},"log":"{"x" * (LONG if number % 10 == 0 else 0)}"}}'


def _secret(number: int) -> str:
    return f"secret {number:08d}."


def _history(store: Store, number: int) -> None:
    store.add_history(f"id-{number}", BEGIN + timedelta(seconds=number), _data(number).encode())


def _usage(store: Store, number: int) -> None:
    store.set_model_usage("model", ModelUsage(number))


def _flag(store: Store, number: int) -> None:
    store.set_flag(f"flag-{number % 7}", number % 2 == 0)


def _setting(store: Store, number: int) -> None:
    store.set_setting(f"setting-{number % 5}", {"number": number})


def _measurement(store: Store, number: int) -> None:
    store.add_measurements(BEGIN + timedelta(seconds=number), {"load": number})


def _entry(store: Store, number: int) -> None:
    store.put(Table.REGISTRY, f"entry-{number}", [number])


def _removal(store: Store, number: int) -> None:
    if number > REMOVED_AFTER:
        store.remove(Table.REGISTRY, f"entry-{number - REMOVED_AFTER}")
    else:  # each change must be one: else nobody could tell whether it is there
        store.set_setting("nothing to remove", number)


def _told(store: Store, number: int) -> None:
    store.put(Table.CAPABILITIES, f"{number}", _secret(number))


def _forgetting(store: Store, number: int) -> None:
    if number % FORGOTTEN_EVERY == 0:
        store.forget(Table.CAPABILITIES)
    else:
        store.set_setting("nothing to forget", number)


def _last(store: Store, number: int) -> None:
    store.set_setting("last", number)


CHANGES: tuple[Callable[[Store, int], None], ...] = (
    _history,
    _usage,
    _flag,
    _setting,
    _measurement,
    _entry,
    _removal,
    _told,
    _forgetting,
    _last,
)
ROUND = len(CHANGES)


def post(store: Store, index: int) -> None:
    """Posts the change with this number; the first is 0."""
    number, kind = divmod(index, ROUND)
    CHANGES[kind](store, number + 1)


class StormState(NamedTuple):
    """What the file says of a storm."""

    history: list[tuple[str, int]]
    """Ids and the lengths of the data, in the order of posting."""
    usage: int
    flags: dict[str, bool]
    settings: dict[str, JsonValue]
    measured: int
    """How many seconds were measured; each is one sample, of its own number."""
    registry: dict[str, JsonValue]
    told: dict[str, JsonValue]
    """What has not been forgotten since."""


def state_after(count: int) -> StormState:
    """The only right state after so many changes."""
    done = {change: (count + ROUND - 1 - kind) // ROUND for kind, change in enumerate(CHANGES)}
    settings: dict[str, JsonValue] = {f"setting-{n % 5}": {"number": n} for n in _newest(done[_setting], 5)}
    not_forgotten = done[_forgetting] - (1 if done[_forgetting] % FORGOTTEN_EVERY == 0 else 0)
    named = {
        "nothing to remove": min(done[_removal], REMOVED_AFTER),
        "nothing to forget": not_forgotten,
        "last": done[_last],
    }
    settings |= {name: number for name, number in named.items() if number > 0}
    return StormState(
        history=[(f"id-{n}", len(_data(n))) for n in range(1, done[_history] + 1)],
        usage=done[_usage],
        flags={f"flag-{n % 7}": n % 2 == 0 for n in _newest(done[_flag], 7)},
        settings=settings,
        measured=min(done[_measurement], 3600),
        registry={f"entry-{n}": [n] for n in range(max(1, done[_removal] - REMOVED_AFTER + 1), done[_entry] + 1)},
        told={f"{n}": _secret(n) for n in range(_forgotten(count) + 1, done[_told] + 1)},
    )


def certain_without_power(count: int) -> int:
    """How many of these acknowledged changes a power cut must leave: all, but not a measurement that came last.

    The store does not wake the disk for measurements alone; the next change of any other kind makes them certain.
    """
    return count - 1 if count > 0 and CHANGES[(count - 1) % ROUND] is _measurement else count


def _forgotten(count: int) -> int:
    """The newest round whose secret must be gone after so many changes."""
    done = (count + ROUND - 1 - CHANGES.index(_forgetting)) // ROUND
    return done - done % FORGOTTEN_EVERY


def found_again(folder: Path, count: int) -> list[str]:
    """Secrets of which a byte is left though they are among the first changes and were forgotten, wiping included.

    What SQLite maps into memory is no data.
    """
    last = _forgotten(count)
    return [
        f"{match[0].decode()} in {file.name}"
        for file in sorted(folder.iterdir())
        if not file.name.endswith("-shm")
        for match in _SECRET.finditer(file.read_bytes())
        if int(match[1]) <= last
    ]


_SECRET = re.compile(rb"secret (\d{8})")


def _newest(last: int, count: int) -> range:
    return range(max(1, last - count + 1), last + 1)


def survived(folder: Path) -> int:
    """Opens the folder as the program does, and says how many changes it holds; fails the test if it isn't sound."""
    with Store.open(folder) as store:
        if store.notice is not None or store.failures:
            raise AssertionError(f"it does not open as if nothing had happened: {store.notice} {list(store.failures)}")
        state = store.initial
    found = StormState(
        history=[(str(key), int(str(size))) for key, size in rows(folder, HISTORY)],
        usage=state.model_usage["model"].usage_count if state.model_usage else 0,
        flags=state.flags,
        settings=state.settings,
        measured=_measured(rows(folder, MEASURED)),
        registry=state.registry,
        told=state.capabilities,
    )
    last = state.settings.get("last", 0)
    if not isinstance(last, int):
        raise TypeError(f"the last round is {last!r}")
    for count in range(last * ROUND, (last + 1) * ROUND):
        if state_after(count) == found:
            left = found_again(folder, count)  # opening and closing wipe what was to be wiped
            if left:
                raise AssertionError(f"it was forgotten, and is there: {left}")
            return count
    return _explain(found, last)


HISTORY = "SELECT key, length(value) FROM history ORDER BY rowid"
MEASURED = "SELECT key, at, value FROM measurements"


def _measured(found: list[tuple[object, ...]]) -> int:
    """How many seconds there are; -1 if one of them is not its own sample."""
    for key, at, value in found:
        number = (int(str(at)) - to_microseconds(BEGIN)) // 1_000_000
        right = (str((int(BEGIN.timestamp()) + number) % 3600), {"load": [1, number, number, number]})
        if (key, json.loads(str(value))) != right:
            return -1
    return len(found)


def _explain(found: StormState, last: int) -> int:
    nearest = state_after(last * ROUND)
    wrong = [f"{name}: {a!r}, not {b!r}" for name, a, b in zip(found._fields, found, nearest, strict=True) if a != b]
    raise AssertionError(f"the cut is not between two changes; after round {last} there is {'; '.join(wrong)[:2000]}")
