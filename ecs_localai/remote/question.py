"""What can be asked: a question's parameters, and how it is answered on the frame, a piece at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, TypeAlias

import msgspec

if TYPE_CHECKING:
    from ecs_localai.remote.reading import WorldReader

MOST_NAMES = 64
Names: TypeAlias = Annotated[tuple[str, ...], msgspec.Meta(max_length=MOST_NAMES)]
"""Names of types. Bounded, because one row of a query is always collected whole within one frame."""


class Question(msgspec.Struct, forbid_unknown_fields=True):
    """A question that is answered once. The fields of a subclass are its parameters."""

    summary: ClassVar[str] = ""
    """What it asks, in a sentence."""
    brackets: ClassVar[tuple[bytes, bytes]] = (b"", b"")
    """What stands around the encoded pieces; commas stand between them. Without brackets there is one piece."""

    def pieces(self, reader: WorldReader) -> Iterator[object]:
        """Collect the answer on the frame, in pieces small enough that a frame can stop after any of them.

        None is a step that gave no piece, after which a frame can stop, too.

        Raises:
            RpcError: it cannot be answered.
        """
        raise NotImplementedError

    def encode(self, piece: object) -> bytes:
        """A piece as JSON. Called in the background, so a piece holds nothing that a frame may change later."""
        return msgspec.json.encode(piece)


class WatchQuestion(msgspec.Struct, forbid_unknown_fields=True):
    """A question that is answered again and again, whenever there is news."""

    summary: ClassVar[str] = ""
    """What it asks, in a sentence."""

    def watch(self, reader: WorldReader) -> Callable[[], object | None]:
        """Begin on the frame. What is returned is called on frames, and gives the news, or None while there is none.

        Either raises RpcError where there is nothing to watch (any more).
        """
        raise NotImplementedError
