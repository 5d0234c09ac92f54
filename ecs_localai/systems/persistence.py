"""What the systems keep across starts: a thin layer over the store that speaks the components' types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import msgspec

from ecs_localai.components.browser import ContextRetentionPolicy, PairedBrowser, RetentionKind, TabContext
from ecs_localai.components.codec import DecodeError, decode, encode, to_builtins
from ecs_localai.components.installation import InstallationRecord
from ecs_localai.components.models import ModelCapabilities, RegistryEntry
from ecs_localai.components.updates import HostUpdates
from ecs_localai.store.moments import to_microseconds
from ecs_localai.store.state import StoredInstallation
from ecs_localai.store.tables import Table
from ecs_localai.systems.kept_hosts import KeptHosts
from ecs_localai.systems.kept_queue import KeptQueue
from ecs_localai.systems.saved_hosts import SavedHost, keys_by_name, read_saved_hosts, unreadable_texts

if TYPE_CHECKING:
    from ecs_localai.runtime import Latest
    from ecs_localai.store.news import StoredNews
    from ecs_localai.store.state import JsonValue, ModelUsage, StoredState

_T = TypeVar("_T")
_INSTALLED = "@"
"""What the keys begin with of manifests that are kept by the digest of what is installed; no model's name does."""
_COMPARED = "="
"""What the keys begin with of what was found out about newer versions, by the base URL of a host; as above."""


class SavedState:
    """The store as a resource. Whatever changes something costs the frame an append to a queue."""

    def __init__(self, data_dir: Path | None, *, follows: bool = False) -> None:
        """`data_dir`: as for `Store.open`; `follows`: whether it is to hear what others change there, see `follow`."""
        from ecs_localai.store.store import Store  # with SQLite, which `import ecs_localai` leaves out

        self._news: Latest[StoredNews] | None = None
        self._heard: StoredNews | None = None
        self._store = Store.open(data_dir, on_news=self._hear if follows else None)
        self._now = self._store.initial
        self._losses = 0
        self._told: str | None = None
        self.problems: list[str] = []
        """Sentences about what was read and made no sense."""
        self._settled: set[str] = set()
        self._hosts = KeptHosts(self._store)
        self.queue = KeptQueue(self._store)
        """The installations that were asked for and have not ended."""

    def follow(self, news: Latest[StoredNews]) -> None:
        """Hand on what other programs change through this channel, whose arrivals wake the frame."""
        self._news = news
        if self._heard is not None:
            news.send(self._heard)

    def _hear(self, news: StoredNews) -> None:
        """What the store's own thread tells."""
        self._heard = news  # first: `follow` looks at it last
        if self._news is not None:
            self._news.send(news)

    @property
    def file(self) -> Path | None:
        """Where it lies; None: only in memory."""
        return self._store.file

    @property
    def notice(self) -> str | None:
        """A sentence about the file as a whole, as long as it holds; None if all is well."""
        return self._store.notice

    # What it says

    @property
    def flags(self) -> dict[str, bool]:
        """The features that were switched by hand."""
        return self._now.flags

    @property
    def settings(self) -> dict[str, JsonValue]:
        """The settings."""
        return self._now.settings

    @property
    def model_usage(self) -> dict[str, ModelUsage]:
        """How often each model was used."""
        return self._now.model_usage

    def hosts(self) -> list[SavedHost]:
        """The list of hosts; what makes no sense goes to `problems`."""
        hosts, _ = read_saved_hosts(self._now.hosts, self._now.settings)
        self.problems.extend(unreadable_texts(self._now.hosts, self._now.settings))
        return hosts

    def history(self) -> list[InstallationRecord]:
        """Ended installations, the oldest first; a record that cannot be read is left out."""
        return [record for row in reversed(self._now.history) if (record := _decoded(row.data, InstallationRecord))]

    def registry_entries(self) -> dict[str, RegistryEntry]:
        """The manifests that registries gave, by model name, however old."""
        rows = {key: row for key, row in self._now.registry.items() if not key.startswith((_INSTALLED, _COMPARED))}
        return _all_decoded(rows, RegistryEntry)

    def installed_manifests(self) -> dict[str, RegistryEntry]:
        """What installed models consist of, by the digest that their hosts list."""
        rows = {key: row for key, row in self._now.registry.items() if key.startswith(_INSTALLED)}
        return {key[len(_INSTALLED) :]: entry for key, entry in _all_decoded(rows, RegistryEntry).items()}

    def host_updates(self, base_url: str) -> HostUpdates | None:
        """What was found out about newer versions of a host's models when that was last looked for; None: never."""
        row = self._now.registry.get(f"{_COMPARED}{base_url}")
        return None if row is None else _decoded(msgspec.json.encode(row), HostUpdates)

    def capabilities(self) -> dict[str, ModelCapabilities]:
        """What models can do, by digest."""
        return _all_decoded(self._now.capabilities, ModelCapabilities)

    @property
    def browsers(self) -> dict[str, JsonValue]:
        """The paired browsers, by id."""
        return self._now.browsers

    def take_news(self) -> tuple[StoredState, StoredState] | None:
        """What the file said before and says now, once, where another process has changed it since."""
        news = None if self._news is None else self._news.take()
        if news is None or not self._store.knows_all(news):  # what has been changed here meanwhile would seem undone
            return None
        before, self._now = self._now, news.state
        if news.losses != self._losses:
            self._losses = news.losses
            self._put_back(before, news.state)
        self._hosts.follow(news.state)
        return before, news.state

    def _put_back(self, had: StoredState, has: StoredState) -> None:
        """The file was damaged, or somebody took it away, while it was in use: what it lacks now is kept anew."""
        self._keep_missing(Table.FLAGS, had.flags, has.flags)
        self._keep_missing(Table.SETTINGS, had.settings, has.settings)
        end = max(has.host_positions.values(), default=-1) + 1
        missing_hosts = [name for name in had.hosts if name not in has.hosts]
        has.host_positions.update({name: end + number for number, name in enumerate(missing_hosts)})
        self._keep_missing(Table.HOSTS, had.hosts, has.hosts, has.host_positions)
        self._keep_missing(Table.MODEL_USAGE, had.model_usage, has.model_usage)
        self._keep_missing(Table.BROWSERS, had.browsers, has.browsers)
        self.queue.keep_missing(has)
        there = {row.installation_id for row in has.history}
        missing = [row for row in had.history if row.installation_id not in there]
        for row in reversed(missing):
            self._store.add_history(row.installation_id, row.finished_at, row.data)
        has.history[:0] = missing

    def _keep_missing(
        self, table: Table, had: dict[str, _T], has: dict[str, _T], positions: Mapping[str, int] | None = None
    ) -> None:
        for key, value in had.items():
            if key not in has:
                has[key] = value
                self._store.put(table, key, value, 0 if positions is None else positions[key])

    def tell_changed(self, before: Sequence[str], now: Sequence[str]) -> bool:
        """Tell of these sentences those that were not true before, and that the others are not true any more; returns
        whether anything is different."""
        self.problems.extend(text for text in now if text not in before)
        self._settled.update(text for text in before if text not in now)
        return list(before) != list(now)

    def take_settled(self) -> set[str]:
        """Sentences that were told and are not true any more, each once."""
        settled, self._settled = self._settled, set()
        return settled

    def take_problems(self) -> list[str]:
        """Sentences about the file or about changes that could not be saved, each once."""
        problems, self.problems = self.problems, []
        if self._store.notice is not None and self._store.notice != self._told:
            self._told = self._store.notice
            problems.append(self._store.notice)
        while self._store.failures:
            problems.append(self._store.failures.popleft())
        return problems

    # What it is to say

    def set_flag(self, feature_id: str, enabled: bool) -> None:
        """Keep a feature's state."""
        if self._now.flags.get(feature_id) is not enabled:
            self._now.flags[feature_id] = enabled
            self._store.set_flag(feature_id, enabled)

    def set_setting(self, key: str, value: object) -> None:
        """Keep a setting: whatever JSON can say."""
        self._store.set_setting(key, value)
        self._now.settings[key] = cast("JsonValue", value)

    def set_hosts(self, hosts: Sequence[SavedHost]) -> None:
        """Keep the list of hosts: only what is different now is written, so another process' hosts stay."""
        self._now.hosts.clear()
        self._now.hosts.update(self._hosts.keep(hosts))

    def leave_out(self, names: Iterable[str]) -> None:
        """These hosts of the file, by the names that `hosts` gives them, are not in the list here: they stay there."""
        keys = keys_by_name(self._now.hosts)
        self._hosts.leave_out(keys[name] for name in names if name in keys)

    def set_model_usage(self, name: str, usage: ModelUsage) -> None:
        """Keep how often a model was used."""
        self._now.model_usage[name] = usage
        self._store.set_model_usage(name, usage)

    def move_model_usage(self, former: str, name: str, usage: ModelUsage) -> None:
        """A model is called otherwise now: its usage is kept under that name alone."""
        self.set_model_usage(name, usage)
        if self._now.model_usage.pop(former, None) is not None:
            self._store.remove(Table.MODEL_USAGE, former)

    def add_history(self, record: InstallationRecord) -> None:
        """Keep the record of an ended installation."""
        row = StoredInstallation(record.installation_id, record.finished_at, encode(record))
        self._now.history.insert(0, row)
        self._store.add_history(row.installation_id, row.finished_at, row.data)

    def add_measurements(self, at: datetime, values: Mapping[str, float]) -> None:
        """Keep what was measured, by the name of the series."""
        self._store.add_measurements(at, values)

    def set_registry_entry(self, entry: RegistryEntry) -> None:
        """Keep a model's manifest. What its files say stays true of the same one: it is kept where `entry` lacks it."""
        row = to_builtins(entry)
        former = self._now.registry.get(entry.model_name)
        if isinstance(row, dict) and isinstance(former, dict) and former.get("digest") == entry.digest:
            row["facts"] = row.get("facts") or former.get("facts")
        self._now.registry[entry.model_name] = cast("JsonValue", row)
        self._store.put(Table.REGISTRY, entry.model_name, row, to_microseconds(entry.fetched_at))

    def set_installed_manifest(self, entry: RegistryEntry) -> None:
        """Keep what the model that a host lists by the entry's digest consists of."""
        key, row = f"{_INSTALLED}{entry.digest}", to_builtins(entry)
        self._store.put(Table.REGISTRY, key, row, to_microseconds(entry.fetched_at))

    def set_host_updates(self, base_url: str, updates: HostUpdates | None) -> None:
        """Keep what was found out about newer versions of a host's models; None: nothing. Encoding that of many models
        takes milliseconds: not for a frame."""
        key = f"{_COMPARED}{base_url}"
        if updates is None:
            if self._now.registry.pop(key, None) is not None:
                self._store.remove(Table.REGISTRY, key)
            return
        row = to_builtins(updates)
        self._now.registry[key] = cast("JsonValue", row)
        at = 0 if updates.checked_at is None else to_microseconds(updates.checked_at)
        self._store.put(Table.REGISTRY, key, row, at)

    def set_capabilities(self, digest: str, capabilities: ModelCapabilities) -> None:
        """Keep what a model can do: a digest's never changes."""
        self._store.put(Table.CAPABILITIES, digest, to_builtins(capabilities))

    def set_browser(self, browser: PairedBrowser) -> None:
        """Keep a paired browser; its key is kept elsewhere."""
        row = to_builtins(browser)
        self._store.put(Table.BROWSERS, browser.browser_id, row)
        self._now.browsers[browser.browser_id] = cast("JsonValue", row)

    def remove_browser(self, browser_id: str) -> None:
        """A browser is not paired any more."""
        self._store.remove(Table.BROWSERS, browser_id)
        self._now.browsers.pop(browser_id, None)

    def add_context(self, key: str, context: TabContext, policy: ContextRetentionPolicy) -> None:
        """Keep a page's text for as long as the policy says; for this session only means: not at all."""
        if policy.kind is not RetentionKind.SESSION_ONLY:
            self._store.put_context(key, encode(context), context.extraction_timestamp, policy.lifetime)

    def apply_retention(self, policy: ContextRetentionPolicy) -> None:
        """Delete what a policy that was chosen now does not let live, and have the rest end in time."""
        is_session = policy.kind is RetentionKind.SESSION_ONLY
        self._store.retain_contexts(timedelta(0) if is_session else policy.lifetime)

    def forget(self, *tables: Table) -> None:
        """Empty tables, so that no byte of them is left in the file."""
        self._store.forget(*tables)
        self._drop(tables)

    def forget_everything(self) -> None:
        """Empty the file and delete the copies of it."""
        self._store.forget_everything()
        self._drop(tuple(Table))

    def _drop(self, tables: Sequence[Table]) -> None:
        """What is remembered of these tables is not to come back either."""
        now = self._now
        forget: dict[Table, Callable[[], None]] = {
            Table.FLAGS: now.flags.clear,
            Table.SETTINGS: now.settings.clear,
            Table.HOSTS: now.hosts.clear,
            Table.QUEUE: now.queue.clear,
            Table.HISTORY: now.history.clear,
            Table.MODEL_USAGE: now.model_usage.clear,
            Table.REGISTRY: now.registry.clear,
            Table.CAPABILITIES: now.capabilities.clear,
            Table.BROWSERS: now.browsers.clear,
        }
        for table in tables:
            if table in forget:
                forget[table]()
        if Table.HOSTS in tables:
            self._hosts.follow(now)

    def flush(self, timeout: float) -> bool:
        """Wait until all is on the disk, and no byte of what was forgotten is. Not for a frame.

        False if that takes more than `timeout` seconds, or is not possible.
        """
        return self._store.flush(timeout)

    def close(self) -> bool:
        """Write what waits; whether everything was saved."""
        self.queue.close()
        return self._store.close()


def _decoded(data: bytes, kind: type[_T]) -> _T | None:
    try:
        return decode(data, kind)
    except DecodeError:
        return None


def _all_decoded(rows: Mapping[str, JsonValue], kind: type[_T]) -> dict[str, _T]:
    """What can be made sense of; of the rest, which is a cache, there is a new one to be had."""
    return {key: value for key, row in rows.items() if (value := _decoded(msgspec.json.encode(row), kind)) is not None}
