"""JSON-RPC 2.0 messages: requests read, answers written (https://www.jsonrpc.org/specification)."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from ecs_localai.remote.errors import INVALID_REQUEST, PARSE_ERROR, ErrorObject, RpcError

MOST_IN_A_BATCH: Final = 64
_STRUCTURED: Final = "params is an object with names, or is left out."


class Request(msgspec.Struct):
    """One request."""

    jsonrpc: Literal["2.0"]
    method: str
    id: object | msgspec.UnsetType = msgspec.UNSET
    """Whatever the client wants to have back. Without it, it is a notification, which is not answered."""
    params: dict[str, object] | None = None

    @property
    def is_notification(self) -> bool:
        """Whether no answer is wanted."""
        return self.id is msgspec.UNSET


class _Answer(msgspec.Struct):
    jsonrpc: Literal["2.0"]
    id: object
    result: msgspec.Raw


class _Failure(msgspec.Struct):
    jsonrpc: Literal["2.0"]
    id: object
    error: ErrorObject


def parse(body: bytes) -> object:
    """What a body holds.

    Raises:
        RpcError: it is not JSON, is nested too deeply, or is an empty or too long batch.
    """
    try:
        data: object = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RpcError(PARSE_ERROR, f"The body is not JSON: {error}.") from error
    except RecursionError as error:
        raise RpcError(PARSE_ERROR, "The body is nested too deeply.") from error
    if isinstance(data, list) and not data:
        raise RpcError(INVALID_REQUEST, "The batch is empty.")
    if isinstance(data, list) and len(data) > MOST_IN_A_BATCH:
        raise RpcError(INVALID_REQUEST, f"The batch has {len(data)} requests; send at most {MOST_IN_A_BATCH} at once.")
    return data


def read_request(data: object) -> Request:
    """One request of what `parse` returned.

    Raises:
        RpcError: it is none.
    """
    if isinstance(data, dict) and isinstance(data.get("params"), list):
        raise RpcError(INVALID_REQUEST, f"The parameters are given by position. {_STRUCTURED}")
    try:
        return msgspec.convert(data, Request)
    except msgspec.ValidationError as error:
        raise RpcError(INVALID_REQUEST, f"This is no JSON-RPC 2.0 request: {error}.") from error


def id_of(data: object) -> object:
    """The id of what may be no proper request; None where there is none, as JSON-RPC has it."""
    return data.get("id") if isinstance(data, dict) else None


def answer(request_id: object, result: bytes) -> bytes:
    """The answer to a request; `result` is JSON."""
    return msgspec.json.encode(_Answer("2.0", request_id, msgspec.Raw(result)))


def failure(request_id: object, error: ErrorObject) -> bytes:
    """The answer to a request that failed."""
    return msgspec.json.encode(_Failure("2.0", request_id, error))
