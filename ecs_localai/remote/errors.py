"""What goes wrong with a request, as JSON-RPC tells it.

The codes below -23000 are Bevy's (``bevy_remote/src/lib.rs``, ``error_codes``), those from -32768 to -32600 are
JSON-RPC's, and those from -32099 to -32000 are left by JSON-RPC to each server: there they are ours.
"""

from __future__ import annotations

from typing import Final

import msgspec

PARSE_ERROR: Final = -32700
"""What was sent is not JSON."""
INVALID_REQUEST: Final = -32600
"""It is JSON, but no request."""
METHOD_NOT_FOUND: Final = -32601
"""There is no such method, or it changes the world and is therefore not offered."""
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603

ENTITY_NOT_FOUND: Final = -23401
COMPONENT_ERROR: Final = -23402
"""There is no such component type, or its value cannot be told."""
COMPONENT_NOT_PRESENT: Final = -23403
RESOURCE_ERROR: Final = -23501
"""There is no such resource type, or its value cannot be told."""
RESOURCE_NOT_PRESENT: Final = -23502

NO_FRAME: Final = -32000
"""Nobody stepped the app while the request waited."""
TOO_MANY: Final = -32001
"""More requests are waiting, or more clients watching, than the endpoint serves at once."""
ENDED: Final = -32002
"""The app was shut down while the request waited."""
REFUSED: Final = -32003
"""The HTTP request is not one that a program on this machine would send; see `remote.gate`."""


class ErrorObject(msgspec.Struct, frozen=True):
    """An error as it is sent."""

    code: int
    message: str
    """One sentence or two."""


class RpcError(Exception):
    """A request cannot be answered. The client is told the code and the sentence, and nothing else of it."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def told(self) -> ErrorObject:
        """The error as it is sent."""
        return ErrorObject(self.code, self.message)
