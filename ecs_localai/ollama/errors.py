"""What can go wrong between us and an Ollama server or a registry, as typed exceptions.

Every message is one sentence that a person can act on: what happened, then what to do. The server's
own words, where there are any, are in ``detail``.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = [
    "BadReply",
    "ClientClosed",
    "ErrorKind",
    "HostForbidden",
    "HostUnreachable",
    "InvalidHost",
    "InvalidModelName",
    "InvalidRequest",
    "ModelNotFound",
    "NotAnOllama",
    "NotSupported",
    "OllamaError",
    "PullFailed",
    "PullFailure",
    "ServerFailure",
    "Unauthorized",
]


class ErrorKind(StrEnum):
    """The sort of a failure that isn't one of a pull."""

    REFUSED = "refused"  # nothing listens at the address
    DNS = "dns"  # the host's name isn't known
    TIMED_OUT = "timed_out"  # no connection, or no answer, in time
    UNREACHABLE = "unreachable"  # no route to the host, network down
    TLS = "tls"  # certificate or protocol of an encrypted connection
    DISCONNECTED = "disconnected"  # it accepted the connection and hung up without an answer
    NOT_OLLAMA = "not_ollama"  # something answers, but not an Ollama server
    FORBIDDEN = "forbidden"  # 403: Host header or Origin not allowed
    UNAUTHORIZED = "unauthorized"  # 401
    BAD_REPLY = "bad_reply"  # broken JSON, a line too long, a reply cut in the middle
    MODEL_NOT_FOUND = "model_not_found"  # 404 for a model
    INVALID_REQUEST = "invalid_request"  # 400 and its like
    NOT_SUPPORTED = "not_supported"  # this version of Ollama has no such call
    BUSY = "busy"  # 429, or 503: the server's queue is full
    DISK_FULL = "disk_full"  # no space left where the server keeps its models
    SERVER_FAILURE = "server_failure"  # 5xx, or an error in the middle of a stream
    INVALID_HOST = "invalid_host"  # an address that can't be read
    INVALID_MODEL_NAME = "invalid_model_name"  # a model name that can't be read
    CLOSED = "closed"  # this client was closed


class PullFailure(StrEnum):
    """Why a pull failed (Ollama 0.9.3's texts, and its later ones, sorted)."""

    INVALID_NAME = "invalid_name"
    NOT_FOUND = "not_found"
    FILE_MISSING = "file_missing"
    REGISTRY_UNREACHABLE = "registry_unreachable"
    PLAIN_HTTP = "plain_http"
    """The registry speaks plain http, which was not allowed."""
    REGISTRY_ERROR = "registry_error"
    NOT_A_REGISTRY = "not_a_registry"
    UNAUTHORIZED = "unauthorized"
    NEEDS_NEWER_OLLAMA = "needs_newer_ollama"
    DISK_FULL = "disk_full"
    DIGEST_MISMATCH = "digest_mismatch"
    STALLED = "stalled"
    CUT = "cut"
    UNWRITABLE = "unwritable"
    OTHER = "other"


class OllamaError(Exception):
    """Base of all failures of this package.

    ``message`` is a sentence for people, ``kind`` says what sort of failure it is, ``retryable`` whether
    the same call may succeed later without anybody changing anything, ``detail`` holds the server's own
    text (empty if it said nothing). ``retry_after`` is how many seconds the server asks us to wait
    (``Retry-After`` of a 429 or 503), None where it asks for nothing.
    """

    def __init__(
        self,
        message: str,
        kind: ErrorKind | PullFailure = ErrorKind.SERVER_FAILURE,
        retryable: bool = False,
        *,
        detail: str = "",
    ) -> None:
        super().__init__(message)
        self._kind = kind
        self.message = message
        self.retryable = retryable
        self.detail = detail
        self.retry_after: float | None = None

    @property
    def kind(self) -> ErrorKind | PullFailure:
        """What sort of failure this is."""
        return self._kind


class HostUnreachable(OllamaError):
    """No answer from the host: ``kind`` is REFUSED, DNS, TIMED_OUT, UNREACHABLE, TLS or DISCONNECTED."""


class NotAnOllama(OllamaError):
    """Something answered, but not an Ollama server: a web page, other JSON, a foreign 404, a redirect."""

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(message, ErrorKind.NOT_OLLAMA, False, detail=detail)


class HostForbidden(OllamaError):
    """403: the server doesn't accept the Host header (or the Origin) of the request."""

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(message, ErrorKind.FORBIDDEN, False, detail=detail)


class Unauthorized(OllamaError):
    """401 or 407: whatever stands before Ollama (it has no log-in itself) wants credentials.

    Or Ollama itself has to be signed in at ollama.com: then ``signin_url`` is the page where a person
    does that (since Ollama 0.12; empty otherwise).
    """

    def __init__(self, message: str, *, detail: str = "", signin_url: str = "") -> None:
        super().__init__(message, ErrorKind.UNAUTHORIZED, False, detail=detail)
        self.signin_url = signin_url


class BadReply(OllamaError):
    """The reply can't be read: broken JSON, a line too long, or a connection cut in the middle."""

    def __init__(self, message: str, retryable: bool = True, *, detail: str = "") -> None:
        super().__init__(message, ErrorKind.BAD_REPLY, retryable, detail=detail)


class ModelNotFound(OllamaError):
    """404: the server doesn't have this model."""

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(message, ErrorKind.MODEL_NOT_FOUND, False, detail=detail)


class InvalidRequest(OllamaError):
    """400 and its like: the server understood the request and refuses it."""

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(message, ErrorKind.INVALID_REQUEST, False, detail=detail)


class NotSupported(OllamaError):
    """This Ollama has no such call. ``since`` is the first version that has it, ``version`` the server's own."""

    def __init__(self, message: str, *, since: str = "", version: str = "", detail: str = "") -> None:
        super().__init__(message, ErrorKind.NOT_SUPPORTED, False, detail=detail)
        self.since = since
        self.version = version


class ServerFailure(OllamaError):
    """The server failed: a 5xx, or an error in the middle of a stream. 429 and 503 have the kind BUSY."""


class ClientClosed(OllamaError):
    """The client was closed before, or during, the call."""

    def __init__(self, message: str) -> None:
        super().__init__(message, ErrorKind.CLOSED, False)


class InvalidHost(OllamaError, ValueError):
    """The text isn't an address of a host."""

    def __init__(self, message: str) -> None:
        super().__init__(message, ErrorKind.INVALID_HOST, False)


class InvalidModelName(OllamaError, ValueError):
    """The text isn't a model name by Ollama's rules."""

    def __init__(self, message: str) -> None:
        super().__init__(message, ErrorKind.INVALID_MODEL_NAME, False)


class PullFailed(OllamaError):
    """A model could not be pulled (or its manifest not be read); ``kind`` is a :class:`PullFailure`."""

    def __init__(self, message: str, kind: PullFailure, retryable: bool = False, *, detail: str = "") -> None:
        super().__init__(message, kind, retryable, detail=detail)
        self._failure = kind

    @property
    def kind(self) -> PullFailure:
        """Why the pull failed."""
        return self._failure
