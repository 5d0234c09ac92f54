"""The runtime's exceptions: mistakes in how an app is put together, each with its remedy in the message."""

from __future__ import annotations


class RuntimeSetupError(Exception):
    """Base of the errors that a program meets while it puts its app together, where Bevy mostly panics."""


class PluginError(RuntimeSetupError):
    """A plugin was added twice or too late, or is not a plugin. Bevy panics."""


class ScheduleError(RuntimeSetupError):
    """The order of systems contradicts itself, or names something that does not exist.

    Bevy: ``ScheduleBuildError``, which has no word for names that do not exist: it passes over them.
    """


class SystemParamError(RuntimeSetupError):
    """A system has a parameter that the runtime cannot supply. In Bevy that does not compile."""


class WorldInUseError(RuntimeSetupError):
    """Two apps were given the same esper world. In Bevy every app owns its world."""


class MissingResourceError(LookupError):
    """A resource was asked for that nobody has inserted. A system that asks for one fails with it, as in Bevy."""

    def __init__(self, kind: type, wanted_by: str | None = None) -> None:
        who = f"{wanted_by} needs" if wanted_by else "Asked for"
        remedy = getattr(kind, "__remedy__", f"Insert it with app.insert_resource({kind.__name__}(…)).")
        super().__init__(f"{who} the resource {kind.__name__}, which is not in the world. {remedy}")
        self.kind = kind


class NestedUpdateError(RuntimeError):
    """A frame was begun inside one of the app's own systems, or in a second thread. In Bevy that does not compile."""
