"""The plugin of the Local AI models. It is here alone, so that a program gets it without all that it puts together."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ecs_localai.runtime.errors import PluginError
from ecs_localai.runtime.plugin import Plugin

if TYPE_CHECKING:
    from pathlib import Path

    from ecs_localai.components.hosts import OllamaConfiguration
    from ecs_localai.ollama.address import HostAddress
    from ecs_localai.runtime import App
    from ecs_localai.systems.persistence import SavedState
    from ecs_localai.systems.wiring import Wiring


class LocalModelsPlugin(Plugin):
    """Local AI models: hosts, installation, monitoring and experimental features, in five ordered sets.

    Args:
        config: the Ollama server that is the default one in this run, or its address as text; without it the one that
            ``OLLAMA_HOST`` names, else the default one of the saved list, else 127.0.0.1:11434. More of them:
            `OllamaHosts.add`.
        data_dir: where to keep what a person set and what happened; nothing is written to disk without it.
        resume: whether to go on with the installations that had not ended when the last program with this `data_dir`
            did.

    As a `LatePlugin` it keeps no frame waiting: neither for its imports nor for what was saved.

    Raises:
        InvalidHost: the text, or where no `config` was given ``OLLAMA_HOST``, is not an address.
    """

    def __init__(
        self,
        config: OllamaConfiguration | str | None = None,
        *,
        data_dir: Path | str | None = None,
        resume: bool = True,
    ) -> None:
        self._given = _named_by_environment() if config is None else _parsed(config)
        self._data_dir = None if data_dir is None else os.fspath(data_dir)
        self._resumes = resume
        self._saved: SavedState | None = None  # between `load` and `build`
        self._wiring: Wiring | None = None

    def load(self) -> None:
        """Import what it puts together, which is most of this package, and open what was saved."""
        from pathlib import Path

        from ecs_localai.systems.persistence import SavedState
        from ecs_localai.systems.wiring import read_systems

        read_systems()
        self._saved = SavedState(None if self._data_dir is None else Path(self._data_dir), follows=True)

    def unload(self) -> None:
        """Close what was saved."""
        if self._saved is not None:
            self._saved.close()
            self._saved = None

    def build(self, app: App) -> None:
        """Add the sets, the resources, the events, the hosts' entities and the systems."""
        from ecs_localai.systems.wiring import Wiring

        if self._saved is None:
            raise PluginError("LocalModelsPlugin is built before it was loaded: add it with App.add_plugins.")
        self._wiring = Wiring(app, self._given, self._saved, resumes=self._resumes)
        self._saved = None

    def shutdown(self, app: App) -> None:
        """Write what waits to the disk, and take out of a host's world what is ours.

        The app ends the background work by itself.
        """
        if self._wiring is not None:
            self._wiring.shutdown(app)


def _parsed(config: OllamaConfiguration | str) -> OllamaConfiguration | HostAddress:
    if not isinstance(config, str):
        return config
    from ecs_localai.ollama.address import parse_host

    return parse_host(config)


def _named_by_environment() -> OllamaConfiguration | HostAddress | None:
    """The host that ``OLLAMA_HOST`` names, as Ollama's own client reads it; None where it names none."""
    named = os.environ.get("OLLAMA_HOST", "").strip()
    return _parsed(named) if named else None
