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

    def load(self) -> None:
        """Get what takes a while and is no app's, such as imports. Called once, right before `build`.

        A `LatePlugin` has it called in a background thread: nothing in it may touch an app or esper, and it has to come
        to an end, for events wait for it. Bevy has no counterpart: its programs are compiled.
        """

    def unload(self) -> None:
        """Let go of what `load` has got: the app ends before `build`, or that has failed. In any thread."""

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
        self.function = function

    @property
    def name(self) -> str:
        name = getattr(self.function, "__qualname__", None)
        return f"{self.function.__module__}.{name}" if name else repr(self.function)

    def build(self, app: App) -> None:
        self.function(app)


class LatePlugin(Plugin):
    """Plugins that no frame waits for: ``app.add_plugins(LatePlugin(LocalModelsPlugin()))``. Bevy has no counterpart.

    Frames begin at once, without them. After the first one each `Plugin.load` is called in the background, and then all
    are built between two frames, in this order. Until that they are as good as not added, which
    `App.is_plugin_added` tells. What is done meanwhile is not lost: entities wait in the world, and no event is dropped
    before they have come, so that their systems read all of them. Their `Startup` systems run once, when they come.

    It may be added between any two frames. What fails is reported as a failing system is, and that plugin is not there.
    """

    def __init__(self, *plugins: AnyPlugin) -> None:
        """`plugins`: plugins, groups, functions of the app.

        Raises:
            PluginError: something in there is none of these.
        """
        self.plugins = list(flatten_plugins(plugins))

    def is_unique(self) -> bool:
        return False


def is_same_plugin(one: Plugin, other: Plugin) -> bool:
    """Whether both are the same plugin: by name, but functions by identity, for every lambda has one name."""
    if isinstance(one, FunctionPlugin) and isinstance(other, FunctionPlugin):
        return one.function == other.function
    return one.name == other.name


class PluginGroup:
    """Several plugins under one name (Bevy: ``PluginGroup``). Subclass it and override `plugins`.

    Bevy's ``add_before`` and ``add_after`` do not exist here: write another group, whose `plugins` yield what it wants.
    """

    def plugins(self) -> Iterable[AnyPlugin]:
        """The group's plugins, in the order to add them; other groups and functions may be among them."""
        return ()

    @property
    def name(self) -> str:
        """What the group is called in messages."""
        return type(self).__name__

    def set(self, plugin: Plugin) -> PluginGroup:
        """The group with this plugin in the place of the one of its class (Bevy: ``PluginGroupBuilder::set``).

        Raises:
            PluginError: the group has none of this class, or it is no plugin.
        """
        if not isinstance(plugin, Plugin):
            raise PluginError(f"{_shown(plugin)} is not a plugin: give an instance of its class, as in set(Physics()).")
        return self._with(type(plugin), plugin)

    def disable(self, kind: type[Plugin]) -> PluginGroup:
        """The group without its plugins of this class (Bevy: ``PluginGroupBuilder::disable``).

        Raises:
            PluginError: the group has none of this class, or it is no class.
        """
        if not isinstance(kind, type):
            raise PluginError(f"{_shown(kind)} is not a class: name the plugin's class, as in disable(Physics).")
        return self._with(kind, None)

    def _with(self, kind: type[Plugin], other: Plugin | None) -> PluginGroup:
        plugins = list(flatten_plugins([self]))
        if not any(type(plugin) is kind for plugin in plugins):
            known = ", ".join(dict.fromkeys(type(plugin).__name__ for plugin in plugins)) or "none at all"
            raise PluginError(f"{self.name} has no plugin {kind.__name__}; it has {known}.")
        changed = [other if type(plugin) is kind else plugin for plugin in plugins]
        return _ListedGroup(self.name, [plugin for plugin in changed if plugin is not None])


class _ListedGroup(PluginGroup):
    """A group that was changed."""

    def __init__(self, name: str, plugins: list[Plugin]) -> None:
        self._name = name
        self._plugins = plugins

    @property
    def name(self) -> str:
        return self._name

    def plugins(self) -> Iterable[AnyPlugin]:
        return self._plugins


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
            yield from flatten_plugins(plugin.plugins())
        elif isinstance(plugin, type):
            raise PluginError(f"{plugin.__name__} is a class: add an instance of it, {plugin.__name__}().")
        elif callable(plugin):
            yield FunctionPlugin(plugin)
        elif isinstance(plugin, Iterable) and not isinstance(plugin, str):
            yield from flatten_plugins(plugin)
        else:
            raise PluginError(f"{plugin!r} is not a plugin, a plugin group or a function of the app.")


def _shown(item: object) -> str:
    return item.__name__ if isinstance(item, type) else repr(item)
