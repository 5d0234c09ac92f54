"""The question for what can be asked, answered with an OpenRPC document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final

import msgspec

from ecs_localai._version import __version__
from ecs_localai.remote.json_schema import json_schema
from ecs_localai.remote.question import Question, WatchQuestion
from ecs_localai.remote.reading import WorldReader

OPENRPC_VERSION: Final = "1.3.2"
"""Of the specification (https://spec.open-rpc.org); the one that Bevy names."""


class Discover(Question):
    """``rpc.discover``. Unlike Bevy's, the document says what the methods do and what parameters they have."""

    summary: ClassVar[str] = "What can be asked, as an OpenRPC document."

    def pieces(self, reader: WorldReader) -> Iterator[object]:
        """One: where the endpoint is."""
        yield reader.url

    def encode(self, piece: object) -> bytes:
        """The document, which is the same for every app but for the address."""
        from ecs_localai.remote.methods import METHODS  # here, for this question is one of them

        return msgspec.json.encode(
            {
                "openrpc": OPENRPC_VERSION,
                "info": {"title": "ecs-localai", "version": __version__, "description": "Reads, and changes nothing."},
                "methods": [_method(name, question) for name, question in METHODS.items()],
                "servers": [{"name": "Server", "url": piece}],
            }
        )


def _method(name: str, question: type[Question] | type[WatchQuestion]) -> dict[str, object]:
    return {
        "name": name,
        "summary": question.summary,
        "paramStructure": "by-name",
        "params": [
            {"name": field.encode_name, "required": field.required, "schema": json_schema(field.type)}
            for field in msgspec.structs.fields(question)
        ],
    }
