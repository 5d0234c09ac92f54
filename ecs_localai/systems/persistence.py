"""What the systems keep across starts: a thin layer over the store that speaks the components' types."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ecs_localai.components.codec import DecodeError, decode, encode
from ecs_localai.components.installation import InstallationRecord

if TYPE_CHECKING:
    from ecs_localai.store.state import JsonValue, ModelUsage


class SavedState:
    """The store as a resource. Every `set_…` costs the frame an append to a queue."""

    def __init__(self, data_dir: Path | None) -> None:
        from ecs_localai.store.store import Store  # who keeps nothing needs no SQLite

        self._store = Store.open(data_dir)
        self._told: str | None = None
        self.problems: list[str] = []
        """Sentences about what was read and made no sense."""

    @property
    def flags(self) -> dict[str, bool]:
        """The features that were switched by hand, as they were at the start."""
        return self._store.initial.flags

    @property
    def model_usage(self) -> dict[str, ModelUsage]:
        """How often each model was used, as it was at the start."""
        return self._store.initial.model_usage

    def history(self) -> list[InstallationRecord]:
        """Ended installations, the oldest first; a record that cannot be read is left out."""
        records = []
        for row in reversed(self._store.initial.history):
            try:
                records.append(decode(row.data, InstallationRecord))
            except DecodeError:
                continue
        return records

    def set_flag(self, feature_id: str, enabled: bool) -> None:
        """Keep a feature's state."""
        self._store.set_flag(feature_id, enabled)

    @property
    def settings(self) -> dict[str, JsonValue]:
        """The settings as they were at the start."""
        return self._store.initial.settings

    def set_setting(self, key: str, value: object) -> None:
        """Keep a setting: whatever JSON can say."""
        self._store.set_setting(key, value)

    def set_model_usage(self, name: str, usage: ModelUsage) -> None:
        """Keep how often a model was used."""
        self._store.set_model_usage(name, usage)

    def add_history(self, record: InstallationRecord) -> None:
        """Keep the record of an ended installation."""
        self._store.add_history(record.installation_id, record.finished_at, encode(record))

    def take_problems(self) -> list[str]:
        """Sentences about the file or about changes that could not be saved, each once."""
        problems, self.problems = self.problems, []
        if self._store.notice is not None and self._store.notice != self._told:
            self._told = self._store.notice
            problems.append(self._store.notice)
        while self._store.failures:
            problems.append(self._store.failures.popleft())
        return problems

    def close(self) -> bool:
        """Write what waits; whether everything was saved."""
        return self._store.close()
