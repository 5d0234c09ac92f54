"""What deleting models would free on their hosts."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class HostStorage:
    """What is known of the files of a host's models: a component on the host's entity."""

    freed_by_name: dict[str, int] = field(default_factory=dict)
    """Bytes that deleting a model would free, by `InstalledModel.name`: files that others share stay. A model of which
    that is not known is not in it."""
