"""Plugins on their way into an app that runs: loaded in the background, to be built between two frames."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ecs_localai.runtime.plugin import Plugin
    from ecs_localai.runtime.tasks import IoTaskPool, Task

ASK_AGAIN_SECONDS: Final = 0.01
"""How long to wait before plugins that were not ready are asked again."""


class LatePlugins:
    """The plugins of an app's `LatePlugin`s that have not been built yet."""

    def __init__(self, tasks: IoTaskPool, on_loaded: Callable[[], None]) -> None:
        """`on_loaded` is called in the background when some have been loaded."""
        self._tasks = tasks
        self._on_loaded = on_loaded
        self.plugins: list[Plugin] = []
        """All of them, in the order they were added."""
        self._unbegun: list[Sequence[Plugin]] = []
        self._loading: list[Task[None]] = []  # held, or they would be cancelled
        self._pausing: Task[None] | None = None
        self._loaded: deque[tuple[Plugin, BaseException | None]] = deque()
        self._closing = threading.Lock()  # between the end of a loading and that of the app; no frame takes it
        self._is_closed = False

    @property
    def has_news(self) -> bool:
        """Whether some are to be loaded, or have been."""
        return bool(self._unbegun or self._loaded)

    def add(self, plugins: Sequence[Plugin]) -> None:
        """Have these loaded when `begin` is called next, one after the other."""
        self.plugins += plugins
        self._unbegun.append(plugins)

    def begin(self) -> None:
        """Load what has been added."""
        for plugins in self._unbegun:
            names = ", ".join(plugin.name for plugin in plugins)
            self._loading.append(self._tasks.spawn(self._load(plugins), f"loading {names}"))
        self._unbegun.clear()

    def take_loaded(self) -> Iterator[tuple[Plugin, BaseException | None]]:
        """Each plugin that has been loaded, or why it could not be."""
        while self._loaded:
            plugin, error = self._loaded.popleft()
            self.plugins.remove(plugin)
            yield plugin, error

    def ask_again(self) -> None:
        """Call `on_loaded` in a moment."""
        self._pausing = self._tasks.spawn(self._pause(), "waiting for late plugins")

    def close(self) -> list[Plugin]:
        """Nothing is to be built any more. Those that have been loaded, to be let go."""
        with self._closing:
            self._is_closed = True
            return [plugin for plugin, error in self._loaded if error is None]

    async def _load(self, plugins: Sequence[Plugin]) -> None:
        import asyncio  # in the background: a first frame need not wait for it

        await asyncio.to_thread(self._load_now, plugins)
        self._on_loaded()

    def _load_now(self, plugins: Sequence[Plugin]) -> None:
        loaded = [(plugin, _failure_of(plugin)) for plugin in plugins]
        with self._closing:
            if not self._is_closed:
                self._loaded.extend(loaded)
                return
        for plugin, error in loaded:  # too late
            if error is None:
                plugin.unload()

    async def _pause(self) -> None:
        import asyncio

        await asyncio.sleep(ASK_AGAIN_SECONDS)
        self._on_loaded()


def _failure_of(plugin: Plugin) -> BaseException | None:
    """Load a plugin; what it raises."""
    try:
        plugin.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - plugins are foreign code; the frame reports it
        return error
    return None
