"""An app's plugins: those that every frame waited for, and those that come later."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from ecs_localai.runtime.errors import PluginError
from ecs_localai.runtime.plugin import AnyPlugin, LatePlugin, Plugin, flatten_plugins, is_same_plugin

if TYPE_CHECKING:
    from ecs_localai.runtime.app import App
    from ecs_localai.runtime.late_plugins import LatePlugins

T = TypeVar("T")


class PluginList:
    """An app's plugins, and how far they have come."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._plugins: list[Plugin] = []
        self._unfinished: list[Plugin] = []
        self._began = False  # whether frames did
        self._building = 0
        self._late: LatePlugins | None = None
        self.holds_events = False
        """Whether events are kept for plugins that are still to come."""
        self.on_loaded: Callable[[], None] = _nothing
        """Called, in a background thread, when `bring_late` has something to do."""

    def add(self, plugins: Iterable[AnyPlugin]) -> None:
        """Build each at once; late ones when they have been loaded.

        Raises:
            PluginError: a unique plugin is there already, frames have begun, or something is no plugin.
        """
        for plugin in flatten_plugins(plugins):
            if isinstance(plugin, LatePlugin):
                self._add_late(plugin)
                continue
            self._check(plugin)
            if self._began and not self.is_joining:
                raise PluginError(
                    f"The plugin {plugin.name} comes too late: add it before the first update, or as "
                    f"LatePlugin({type(plugin).__name__}(…))."
                )
            plugin.load()
            self._build(plugin)

    def _check(self, plugin: Plugin) -> None:
        others = self._plugins if self._late is None else [*self._plugins, *self._late.plugins]
        if plugin.is_unique() and any(is_same_plugin(other, plugin) for other in others):
            raise PluginError(
                f"The plugin {plugin.name} has been added already. Add it once, or let its is_unique() return False."
            )

    def _build(self, plugin: Plugin) -> None:
        self._plugins.append(plugin)
        self._unfinished.append(plugin)
        self._building += 1
        try:
            plugin.build(self._app)
        except BaseException:
            self._plugins.remove(plugin)  # it is not there, and may be added once what was wrong is mended
            self._unfinished.remove(plugin)
            plugin.unload()
            raise
        finally:
            self._building -= 1

    def _add_late(self, late: LatePlugin) -> None:
        for plugin in late.plugins:
            if isinstance(plugin, LatePlugin):
                raise PluginError("A LatePlugin is in another one: once is late enough.")
            self._check(plugin)
        if self._late is None:
            from ecs_localai.runtime.late_plugins import LatePlugins  # few programs have some

            self._late = LatePlugins(self._app.tasks, lambda: self.on_loaded())
        self._late.add(late.plugins)
        self.holds_events = True

    def has(self, kind: type[Plugin]) -> bool:
        """Whether there is a plugin of this class."""
        return any(type(plugin) is kind for plugin in self._plugins)

    @property
    def names(self) -> list[str]:
        """The plugins' names, in the order they were added."""
        return [plugin.name for plugin in self._plugins]

    @property
    def is_joining(self) -> bool:
        """Whether a late plugin is being built."""
        return self._began and self._building > 0

    @property
    def has_news(self) -> bool:
        """Whether `bring_late` has something to do."""
        return self._late is not None and self._late.has_news

    def finish(self) -> bool:
        """Finish and clean up, once; False while one is not ready.

        Raises:
            PluginError: a plugin is being built.
        """
        if not self._began:
            if self._building:
                raise PluginError("App.update was called while a plugin is being built: frames begin afterwards.")
            if not all(plugin.ready(self._app) for plugin in self._plugins):
                return False
            self._began = True
            self._unfinished.clear()
            for plugin in self._plugins:
                plugin.finish(self._app)
            for plugin in self._plugins:
                plugin.cleanup(self._app)
        return True

    def bring_late(self) -> None:
        """Between two frames: begin to load late plugins, once there has been a frame, and build what was loaded."""
        late = self._late
        if late is None:
            return
        if self._app.time.frame:
            late.begin()
        for plugin, error in late.take_loaded():
            if error is None:
                self._contained(plugin, "build", self._build)
            else:
                self._app.report_failure(f"{plugin.name}.load", "plugins", error)
        if self._unfinished:
            self._finish_joined(late)
        self.holds_events = bool(late.plugins)

    def _finish_joined(self, late: LatePlugins) -> None:
        """As `finish`, but frames go on, and what fails is reported: nobody is there who could catch it."""
        for plugin in list(self._unfinished):
            answer = self._contained(plugin, "ready", lambda one: one.ready(self._app))
            if answer is None:
                self._unfinished.remove(plugin)
            elif not answer:
                late.ask_again()
                return
        plugins, self._unfinished = self._unfinished, []
        for plugin in plugins:
            self._contained(plugin, "finish", lambda one: one.finish(self._app))
        for plugin in plugins:
            self._contained(plugin, "cleanup", lambda one: one.cleanup(self._app))

    def _contained(self, plugin: Plugin, what: str, call: Callable[[Plugin], T]) -> T | None:
        try:
            return call(plugin)
        except Exception as error:  # noqa: BLE001 - plugins are foreign code, and frames have begun
            self._app.report_failure(f"{plugin.name}.{what}", "plugins", error)
            return None

    def shutdown(self) -> None:
        """Shut down the last one first, and let late ones go. One that fails is reported."""
        for plugin in [] if self._late is None else self._late.close():
            self._contained(plugin, "unload", lambda one: one.unload())
        for plugin in reversed(self._plugins):
            try:
                plugin.shutdown(self._app)
            except Exception as error:  # noqa: BLE001 - one plugin must not keep the others from ending
                self._app.report_failure(f"{plugin.name}.shutdown", "shutdown", error)


def _nothing() -> None:
    """Nobody is to be told."""
