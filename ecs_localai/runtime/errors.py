"""The runtime's exceptions: mistakes in how an app is put together, each with its remedy in the message."""

from __future__ import annotations


class RuntimeSetupError(Exception):
    """Base of the errors that a program meets while it puts its app together."""


class PluginError(RuntimeSetupError):
    """A plugin was added twice, or is not a plugin."""


class ScheduleError(RuntimeSetupError):
    """The order of systems contradicts itself, or names something that does not exist."""


class SystemParamError(RuntimeSetupError):
    """A system has a parameter that the runtime cannot supply."""


class WorldInUseError(RuntimeSetupError):
    """Two apps were given the same esper world."""


class MissingResourceError(LookupError):
    """A resource was asked for that nobody has inserted."""

    def __init__(self, kind: type, wanted_by: str | None = None) -> None:
        who = f"{wanted_by} needs" if wanted_by else "Asked for"
        super().__init__(
            f"{who} the resource {kind.__name__}, which is not in the world. "
            f"Insert it with app.insert_resource({kind.__name__}(…))."
        )
        self.kind = kind


class NestedUpdateError(RuntimeError):
    """`App.update` was called from inside one of the app's own systems."""
