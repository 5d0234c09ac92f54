"""Keeping the list of hosts, a row each: only what has changed is written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

import msgspec

from ecs_localai.store.tables import Table
from ecs_localai.systems.saved_hosts import SavedHost, read_saved_hosts, to_rows, unique_name

if TYPE_CHECKING:
    from ecs_localai.store.state import JsonValue, StoredState
    from ecs_localai.store.store import Store


class KeptHosts:
    """The list as the file has it, and what is to be written so that it has another one.

    The list is not written whole: another process may have added a host to it meanwhile. Only what was in the list
    here is taken out of the file.
    """

    __slots__ = ("_left_out", "_listed", "_rows", "_store", "_unreadable")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rows = _readable(store.initial)
        self._unreadable = store.initial.hosts.keys() - self._rows.keys()
        self._listed = set(self._rows)
        self._left_out: frozenset[str] = frozenset()

    def follow(self, state: StoredState) -> None:
        """The file says something else now."""
        self._rows = _readable(state)
        self._unreadable = state.hosts.keys() - self._rows.keys()
        self._left_out &= self._rows.keys()

    def leave_out(self, keys: Iterable[str]) -> None:
        """These rows are not in the list here: they stay as they are, until it is said again which ones."""
        self._left_out = frozenset(keys)
        self._listed -= self._left_out

    def keep(self, hosts: Iterable[SavedHost]) -> dict[str, JsonValue]:
        """Have the file hold this list; returns the file's rows. One that could not be read stays where it is.

        A host that is called as one that was left out, or could not be read, is kept under a name of its own.
        """
        rows = to_rows(self._beside_left_out(list(hosts)))
        for name in (self._rows.keys() & self._listed) - rows.keys():
            self._store.remove(Table.HOSTS, name)
        others = {name: row for name, row in self._rows.items() if name not in self._listed}
        kept: dict[str, tuple[int, object]] = {}
        last = -1
        for name, row in rows.items():
            there = self._rows.get(name)
            # Only what is out of order moves: to two programs of which one knows a row more, each place is right.
            last = there[0] if there is not None and there[0] > last else last + 1
            kept[name] = last, row
            if there is None or there[0] != last or _without_version(there[1]) != _without_version(row):
                self._store.put(Table.HOSTS, name, row, last)
        self._rows, self._listed = others | kept, set(kept)
        return rows | {name: cast("JsonValue", row) for name, (_, row) in others.items() if name not in rows}

    def _beside_left_out(self, hosts: list[SavedHost]) -> list[SavedHost]:
        if not self._left_out and not self._unreadable:
            return hosts
        reserved = {key.casefold() for key in self._left_out}
        names = [*self._left_out, *self._unreadable, *(host.name for host in hosts)]
        renamed = []
        for host in hosts:
            if host.name.casefold() in reserved or host.name in self._unreadable:
                host = msgspec.structs.replace(host, name=unique_name(host.name, names))
                names.append(host.name)
            renamed.append(host)
        return renamed


def _readable(state: StoredState) -> dict[str, tuple[int, object]]:
    """The rows that make sense, with their positions. The others are not ours to change."""
    return {
        name: (state.host_positions[name], row)
        for name, row in state.hosts.items()
        if read_saved_hosts({name: row}, {})[0]
    }


def _without_version(row: object) -> object:
    """A row without what the server said of itself: if that alone were worth writing, two programs that saw different
    versions would answer each other for ever."""
    if not isinstance(row, dict) or not isinstance(row.get("config"), dict):
        return row
    return row | {"config": {key: value for key, value in row["config"].items() if key != "api_version"}}
