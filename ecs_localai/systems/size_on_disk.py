"""What the models of a host take on its disk: every file once, as far as it is known which files they share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ecs_localai.components.deleting import HostStorage
from ecs_localai.components.models import InstalledModel
from ecs_localai.components.wording import format_bytes


class OnDisk(NamedTuple):
    """What models take together."""

    bytes: int
    is_exact: bool
    """False where models may share files and it is not known which: then these are counted with each of them."""

    @property
    def text(self) -> str:
        """``31.4 GB`` or ``about 31.4 GB``; empty for nothing."""
        if not self.bytes:
            return ""
        return format_bytes(self.bytes) if self.is_exact else f"about {format_bytes(self.bytes)}"


def size_on_disk(models: Iterable[InstalledModel], storage: HostStorage | None) -> OnDisk:
    """What models of one host take. `storage` is what is known of their files, which may be of another time."""
    return sum_on_disk({model.digest or model.name: model.size or 0 for model in models if not model.is_cloud}, storage)


def sum_on_disk(sizes: Mapping[str, int], storage: HostStorage | None) -> OnDisk:
    """The same of sizes by digest: what is listed by the same one has the same files.

    Models that run in the cloud have none, and are not among them.
    """
    if storage is not None and storage.total_bytes is not None and set(storage.digests) == sizes.keys():
        return OnDisk(storage.total_bytes, True)
    return OnDisk(sum(sizes.values()), len(sizes) < 2)
