"""Questions about resources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import msgspec

from ecs_localai.remote.question import Question
from ecs_localai.remote.reading import WorldReader


class ResourceValue(msgspec.Struct, frozen=True):
    """What `GetResource` is answered with."""

    value: object


class GetResource(Question):
    """``world.get_resources`` (of one, whatever Bevy's name for it says)."""

    summary: ClassVar[str] = "The value of a resource."
    resource: str

    def pieces(self, reader: WorldReader) -> Iterator[object]:
        """One."""
        yield ResourceValue(reader.resource_value(reader.resource_kind(self.resource)))


class ListResources(Question):
    """``world.list_resources``."""

    summary: ClassVar[str] = "The names of all resources."

    def pieces(self, reader: WorldReader) -> Iterator[object]:
        """One, with all names."""
        yield sorted(map(reader.name, reader.resource_kinds()))
