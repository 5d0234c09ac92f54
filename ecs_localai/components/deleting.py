"""What models take on the disks of their hosts, and what deleting them would free."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class HostStorage:
    """What is known of the files of a host's models: a component on the host's entity."""

    freed_by_name: dict[str, int] = field(default_factory=dict)
    """Bytes that deleting a model would free, by `InstalledModel.name`: files that others share stay. A model of which
    that is not known is not in it."""
    total_bytes: int | None = None
    """What all of them take together, every file once; None where it is not known which files they share."""
    digests: list[str] = field(default_factory=list)
    """The models that this is about, by `InstalledModel.digest`; those that run in the cloud have no files."""
