"""Turns a reply that isn't a success into a typed error.

The statuses and bodies are Ollama's (0.9.3, and newer sources): JSON ``{"error": …}`` nearly always,
``text/plain`` for unknown paths, an empty body for a Host header it doesn't allow.
"""

from __future__ import annotations

from .address import HostAddress
from .errors import (
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
from .retrying import parse_retry_after
from .wire import UNREADABLE, ErrorReply, decode_error

__all__ = ["error_text", "looks_like_html", "not_an_ollama", "refusal", "stream_error"]

_SHOWN = 200


_NO_SPACE = ("no space left", "not enough space", "disk quota exceeded", "there is not enough space on the disk")


def error_text(body: bytes) -> str:
    """The ``error`` of a JSON body, or an empty text."""
    said = _read(body).error
    return said if isinstance(said, str) else ""


def _read(body: bytes) -> ErrorReply:
    try:
        return decode_error(body)
    except UNREADABLE:
        return ErrorReply()


def looks_like_html(content_type: str, body: bytes) -> bool:
    """Whether a web page was sent, by its type or by how it begins."""
    return "html" in content_type.lower() or body.lstrip()[:1] == b"<"


def not_an_ollama(address: HostAddress, content_type: str, body: bytes) -> NotAnOllama:
    """The error for a success whose body isn't Ollama's."""
    what = "a web page" if looks_like_html(content_type, body) else "something else than Ollama's JSON"
    hint = ""
    if address.base_path.rpartition("/")[2] in {"api", "v1"}:
        hint = f", without the {address.base_path} at the end"
    return NotAnOllama(
        f"{address.display} answers with {what}; check that this is the address of an Ollama server{hint}.",
        detail=_shown(body),
    )


def refusal(
    address: HostAddress,
    status: int,
    content_type: str,
    body: bytes,
    *,
    model: str = "",
    location: str = "",
    retry_after: str = "",
) -> OllamaError:
    """The error for a reply with a status other than 2xx; ``model`` is the one that was asked for.

    ``location`` and ``retry_after`` are the headers of these names.
    """
    said = error_text(body)
    if 300 <= status < 400:
        return NotAnOllama(
            f"{address.display} sends us on to {location or 'another address'}; use the address of Ollama itself."
        )
    if status in {401, 407}:
        return _unauthorized(address, body, said)
    if status == 403 and not said:
        return _forbidden(address, body)
    if not said and b"SSL certificate" in body[:500]:  # nginx, with its own status 495 or 496 shown as 400
        return HostUnreachable(
            f"{address.display} wants a client certificate; give one that it trusts, and its key, as TLS settings.",
            ErrorKind.TLS,
            detail=_shown(body),
        )
    if not said and any(words in body[:500] for words in (b"HTTPS server", b"HTTPS port")):  # Go's words, and nginx's
        return HostUnreachable(
            f"{address.display} speaks https; write the address as https://{address.host}:{address.port}.",
            ErrorKind.TLS,
            detail=_shown(body),
        )
    if status == 429 or status >= 500:
        error = _server_failure(address, status, content_type, body, said)
        if status in {429, 503} and retry_after:
            error.retry_after = parse_retry_after(retry_after)
        return error
    if not said:
        return not_an_ollama(address, content_type, body)
    return _client_error(address, status, said, model)


def _unauthorized(address: HostAddress, body: bytes, said: str) -> Unauthorized:
    page = _read(body).signin_url
    if page:
        return Unauthorized(
            f"The Ollama at {address.display} is not signed in at ollama.com; open {page} to sign in, "
            "or run ollama signin there.",
            detail=said,
            signin_url=page,
        )
    return Unauthorized(
        f"{address.display} wants a log-in; set the authentication of this host.",
        detail=said or _shown(body),
    )


def stream_error(address: HostAddress, said: str, model: str) -> OllamaError:
    """The error for an ``error`` line in a stream that began with a 200."""
    if "not found" in said and "model" in said:
        return _client_error(address, 404, said, model)
    if "does not support" in said or said.startswith("invalid"):
        return _client_error(address, 400, said, model)
    if said.startswith("server busy"):
        return _busy(address, said)
    return _server_failure(address, 500, "", b"", said)


def _client_error(address: HostAddress, status: int, said: str, model: str) -> OllamaError:
    if status == 404:
        return ModelNotFound(
            f"{address.display} has no model {model or 'of this name'}; install it, or check the name.",
            detail=said,
        )
    return InvalidRequest(f"Ollama refuses the request ({_shortened(said)}); correct it.", detail=said)


def _forbidden(address: HostAddress, body: bytes) -> HostForbidden:
    if body.strip():
        return HostForbidden(
            f"{address.display} forbids the request; ask whoever runs the proxy before Ollama for access.",
            detail=_shown(body),
        )
    return HostForbidden(
        f"Ollama doesn't accept the host name in {address.display}; use its IP address, let the proxy before it "
        "rewrite the Host header, or start Ollama with OLLAMA_HOST=0.0.0.0."
    )


def _server_failure(address: HostAddress, status: int, content_type: str, body: bytes, said: str) -> OllamaError:
    if "invalid model" in said:  # 0.9.3 answers a bad name in some calls by 500
        return _client_error(address, 400, said, "")
    detail = said or _shown(body)
    if any(text in said.lower() for text in _NO_SPACE):
        return ServerFailure(
            "The disk of the Ollama server is full; free some space there, then try again.",
            ErrorKind.DISK_FULL,
            False,
            detail=detail,
        )
    if status == 429 or (status == 503 and said):
        return _busy(address, detail)
    if status in {502, 503, 504} and not said:
        return ServerFailure(
            f"The proxy at {address.display} can't reach Ollama behind it ({status}); start Ollama there.",
            ErrorKind.SERVER_FAILURE,
            True,
            detail=detail,
        )
    if not said and looks_like_html(content_type, body):
        return not_an_ollama(address, content_type, body)
    return ServerFailure(
        f"Ollama failed ({_shortened(said) if said else status}); try again, or look into Ollama's log.",
        ErrorKind.SERVER_FAILURE,
        status == 500,
        detail=detail,
    )


def _busy(address: HostAddress, detail: str) -> ServerFailure:
    return ServerFailure(
        f"{address.display} is busy and takes no more requests; try again in a moment.",
        ErrorKind.BUSY,
        True,
        detail=detail,
    )


def _shortened(said: str) -> str:
    text = " ".join(said.split()).rstrip(".")
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _shown(body: bytes) -> str:
    return body[:_SHOWN].decode(errors="replace").strip()
