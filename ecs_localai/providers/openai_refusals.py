"""Turns what a server of OpenAI's API says instead of an answer into a typed error with a sentence.

Error bodies differ: ``{"error": {"message", "type", "code"}}`` (OpenAI, Ollama's ``/v1``, llama.cpp, vLLM),
``{"error": "text"}`` (LM Studio), ``{"object": "error", "message"}`` (older vLLM), ``{"detail": …}`` (FastAPI), plain
text and web pages (proxies). ``code`` is a number, a text or null.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from ecs_localai.ollama.errors import (
    BadReply,
    ErrorKind,
    HostForbidden,
    HostUnreachable,
    InvalidRequest,
    ModelNotFound,
    NotAnOllama,
    OllamaError,
    ServerFailure,
    Unauthorized,
)
from ecs_localai.ollama.refusals import looks_like_html

from .openai_address import OpenAIAddress

__all__ = ["Said", "error_in", "in_our_words", "not_this_protocol", "refusal", "said_in", "stream_error"]

_SHOWN = 200


class Said(NamedTuple):
    """What a server says about a failure."""

    message: str
    sort: str = ""
    """Its ``type`` and ``code``, in small letters."""


def said_in(body: bytes) -> Said | None:
    """What an error body says; None if it is none that we know."""
    try:
        content = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
    if not isinstance(content, dict):
        return None
    for key in ("error", "detail"):
        if said := error_in(content.get(key)):
            return said
    return error_in(content)


def error_in(content: object) -> Said | None:
    """What the value of an ``error`` field says; None if nothing."""
    if isinstance(content, str):
        return Said(content) if content.strip() else None
    if isinstance(content, list):  # FastAPI: one entry for each wrong field of the request
        return error_in(content[0]) if content else None
    if not isinstance(content, dict):
        return None
    for key in ("message", "msg", "error"):
        message = content.get(key)
        if isinstance(message, str) and message.strip():
            sort = " ".join(str(content.get(name) or "") for name in ("type", "code"))
            return Said(message, sort.strip().lower())
    return None


def not_this_protocol(address: OpenAIAddress, content_type: str, body: bytes) -> NotAnOllama:
    """The error for a success whose body isn't of this protocol."""
    what = "a web page" if looks_like_html(content_type, body) else "something else than OpenAI's API would"
    return NotAnOllama(
        f"{address.base_url} answers with {what}; check that this is the address of a server with that API.",
        detail=_shown(body),
    )


def refusal(
    address: OpenAIAddress, status: int, content_type: str, body: bytes, *, model: str = "", location: str = ""
) -> OllamaError:
    """The error for a reply with a status other than 2xx; ``model`` is the one that was asked for."""
    said = said_in(body)
    shown = address.display
    detail = said.message if said else _shown(body)
    if 300 <= status < 400:
        return NotAnOllama(
            f"{shown} sends us on to {location or 'another address'}; use the address of the server itself."
        )
    if status in {401, 407}:
        return Unauthorized(f"{shown} wants an API key; set it as the bearer token of this host.", detail=detail)
    if status == 403:
        return _forbidden(address, body, detail)
    if b"HTTPS server" in body[:500] and not said:
        return HostUnreachable(
            f"{shown} speaks https; write the address as https://{address.root.host}:{address.root.port}.",
            ErrorKind.TLS,
            detail=detail,
        )
    if status >= 500 or status in {408, 429}:
        return _failure(address, status, content_type, body, said)
    if said is None or status == 405:
        return _no_such_call(address, content_type, body, detail)
    return _client_error(address, status, said, model)


def stream_error(address: OpenAIAddress, said: Said, model: str) -> OllamaError:
    """The error for an error object where an answer should be, after a status of 200."""
    if "unexpected endpoint" in said.message.lower():  # LM Studio
        return _no_such_call(address, "", b"", said.message)
    if _is_about_a_missing_model(said):
        return _client_error(address, 404, said, model)
    if any(word in said.sort for word in ("invalid", "400", "badrequest", "exceed_context", "not_supported")):
        return _client_error(address, 400, said, model)
    return _failure(address, 500, "", b"", said)


def in_our_words(error: OllamaError, address: OpenAIAddress) -> OllamaError:
    """The same failure of a connection without advice about Ollama, which the transport gives."""
    if "Ollama" not in error.message:
        return error
    shown = address.display
    detail = error.detail
    if isinstance(error, HostUnreachable) and isinstance(error.kind, ErrorKind):
        ends = {
            ErrorKind.REFUSED: f"Nothing listens at {shown}; start the server there, or correct the address.",
            ErrorKind.TIMED_OUT: f"{shown} gave no answer in time; check whether the server hangs or is overloaded.",
        }
        message = ends.get(error.kind, f"{shown} hung up without an answer; check the address and the server.")
        return HostUnreachable(message, error.kind, error.retryable, detail=detail)
    if isinstance(error, NotAnOllama):
        return NotAnOllama(f"{shown} doesn't answer in HTTP; check the address and its port.", detail=detail)
    if isinstance(error, BadReply):
        message = "broke in the middle of a reply" if error.retryable else "gave more than any server of models sends"
        return BadReply(
            f"The connection to {shown} {message}; check the address, and that the server runs.",
            error.retryable,
            detail=detail,
        )
    return error


def _no_such_call(address: OpenAIAddress, content_type: str, body: bytes, detail: str) -> NotAnOllama:
    if looks_like_html(content_type, body):
        return not_this_protocol(address, content_type, body)
    return NotAnOllama(
        f"{address.base_url} doesn't know this call of OpenAI's API; check the address, or use another server for it.",
        detail=detail,
    )


def _client_error(address: OpenAIAddress, status: int, said: Said, model: str) -> OllamaError:
    if _is_about_a_missing_model(said):
        return ModelNotFound(
            f"{address.display} has no model {model or 'of this name'}; choose one of its list.", detail=said.message
        )
    if status == 404:
        return _no_such_call(address, "", b"", said.message)
    return InvalidRequest(
        f"{address.display} refuses the request ({_shortened(said.message)}); correct it.", detail=said.message
    )


def _is_about_a_missing_model(said: Said) -> bool:
    text = said.message.lower()
    gone = any(words in text for words in ("not found", "does not exist", "doesn't exist", "no such", "not exist"))
    return "model_not_found" in said.sort or ("model" in text and gone)


def _forbidden(address: OpenAIAddress, body: bytes, detail: str) -> HostForbidden:
    if body.strip():
        return HostForbidden(
            f"{address.display} forbids the request; ask whoever runs the server for access.", detail=detail
        )
    return HostForbidden(
        f"{address.display} doesn't accept its own name in the address; use its IP address, or let the proxy before it "
        "rewrite the Host header."
    )


def _failure(address: OpenAIAddress, status: int, content_type: str, body: bytes, said: Said | None) -> OllamaError:
    shown = address.display
    detail = said.message if said else _shown(body)
    if said is None and looks_like_html(content_type, body) and status not in {502, 503, 504}:
        return not_this_protocol(address, content_type, body)
    if status == 501:
        text = f" ({_shortened(said.message)})" if said else ""
        return InvalidRequest(f"{shown} doesn't offer this{text}; use another server for it.", detail=detail)
    if status == 503 and said and "loading" in said.message.lower():  # llama.cpp while it starts
        return ServerFailure(
            f"{shown} is still loading its model; try again in a moment.", ErrorKind.BUSY, True, detail=detail
        )
    if status in {408, 429} or (status == 503 and said):
        return ServerFailure(
            f"{shown} is busy and takes no more requests; try again in a moment.", ErrorKind.BUSY, True, detail=detail
        )
    if status in {502, 503, 504} and said is None:
        return ServerFailure(
            f"The proxy at {shown} can't reach the server behind it ({status}); start the server there.",
            ErrorKind.SERVER_FAILURE,
            True,
            detail=detail,
        )
    text = _shortened(said.message) if said else str(status)
    return ServerFailure(
        f"The server at {shown} failed ({text}); try again, or look into its log.",
        ErrorKind.SERVER_FAILURE,
        status == 500,
        detail=detail,
    )


def _shortened(said: str) -> str:
    text = " ".join(said.split()).rstrip(".").replace(". ", ", ")
    return text if len(text) <= _SHOWN // 2 else text[: _SHOWN // 2] + "…"


def _shown(body: bytes) -> str:
    return body[:_SHOWN].decode(errors="replace").strip()
