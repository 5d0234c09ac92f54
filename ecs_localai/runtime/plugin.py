"""Plugins: how a program is put together from parts (Bevy: ``Plugin``, ``PluginGroup``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeAlias

from ecs_localai.runtime.errors import PluginError

if TYPE_CHECKING:
    from ecs_localai.runtime.app import App


class Plugin:
    """A part of an app. Subclass it and override `build`; the other methods are optional.

    As in Bevy (``bevy_app/src/plugin.rs``) `build` is called at once by `App.add_plugins`; when every plugin
    is `ready`, every `finish` and then every `cleanup` is called, and frames begin. Unlike Bevy, `App.update`
    sees to that too, not only the runner.
    """

    @property
    def name(self) -> str:
        """What the plugin is called in messages, and what makes it unique: the class's full name."""
        return f"{type(self).__module__}.{type(self).__qualname__}"

    def is_unique(self) -> bool:
        """Whether an app may have only one of these."""
        return True

    def build(self, app: App) -> None:
        """Add systems, resources and events to the app."""

    def ready(self, app: App) -> bool:
        """Whether background set-up has ended; frames wait for it."""
        return True

    def finish(self, app: App) -> None:
        """Called once, when all plugins are ready."""

    def cleanup(self, app: App) -> None:
        """Called once, after every plugin's `finish`."""

    def shutdown(self, app: App) -> None:
        """Called once by `App.shutdown`, in reverse order of adding. Bevy has no counterpart."""


class FunctionPlugin(Plugin):
    """A plain function of the app as a plugin, as Bevy allows it."""

    def __init__(self, function: Callable[[App], None]) -> None:
        self._function = function

    @property
    def name(self) -> str:
        return f"{self._function.__module__}.{self._function.__qualname__}"

    def build(self, app: App) -> None:
        self._function(app)


class PluginGroup:
    """Several plugins under one name. Subclass it and override `plugins`."""

    def plugins(self) -> Iterable[Plugin]:
        """The group's plugins, in the order to add them."""
        return ()


AnyPlugin: TypeAlias = "Plugin | PluginGroup | Callable[[App], None] | Iterable[AnyPlugin]"


def flatten_plugins(plugins: Iterable[AnyPlugin]) -> Iterable[Plugin]:
    """Plugins, groups, functions and collections of them, as single plugins in order.

    Raises:
        PluginError: something in there is none of these.
    """
    for plugin in plugins:
        if isinstance(plugin, Plugin):
            yield plugin
        elif isinstance(plugin, PluginGroup):
            yield from plugin.plugins()
        elif isinstance(plugin, type):
            raise PluginError(f"{plugin.__name__} is a class: add an instance of it, {plugin.__name__}().")
        elif callable(plugin):
            yield FunctionPlugin(plugin)
        elif isinstance(plugin, Iterable):
            yield from flatten_plugins(plugin)
        else:
            raise PluginError(f"{plugin!r} is not a plugin, a plugin group or a function of the app.")
