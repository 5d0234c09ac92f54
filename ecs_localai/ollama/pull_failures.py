"""Sorts what Ollama says when a pull fails, and says it again so that a person knows what to do.

Ollama passes errors on as text, with a 200 (all of them seen in 0.9.3, the later wordings read in its
newer sources). The text itself stays in ``PullFailed.detail``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .errors import PullFailed, PullFailure

__all__ = ["file_missing", "pull_failure", "registry_status"]

_URL = re.compile(r'"(https?)://([^/"\s]+)')
_FILES_NAMED = 2
"""So many missing files are named in a sentence."""
_STATUS = re.compile(r"(?:^|manifest: |status code )([345]\d\d)\b")


@dataclass(frozen=True, slots=True)
class _Rule:
    """Any of ``texts`` in the (lower-cased) message means ``kind``; ``sentence`` is a format string."""

    texts: tuple[str, ...]
    kind: PullFailure
    retryable: bool
    sentence: str


_RULES = (
    _Rule(
        ("no space left", "not enough space", "disk quota exceeded"),
        PullFailure.DISK_FULL,
        False,
        # What has arrived is neither listed nor can be deleted by its API (issues 14177 and 15812).
        "The disk of the Ollama server is full, and what has arrived keeps its space; free some and install {model} "
        "again to go on, or restart Ollama, which removes it unless OLLAMA_NOPRUNE is set.",
    ),
    _Rule(
        ("operation not permitted", "permission denied", "read-only file system", "access is denied"),
        PullFailure.UNWRITABLE,
        False,
        "Ollama may not write to its models folder; correct the folder's permissions, then try again.",
    ),
    _Rule(
        ("digest mismatch",),
        PullFailure.DIGEST_MISMATCH,
        True,
        "A part of {model} arrived damaged and was thrown away; install it again to fetch that part anew.",
    ),
    _Rule(
        ("invalid model name", "invalid model path"),
        PullFailure.INVALID_NAME,
        False,
        "Ollama doesn't accept the name {model}; write it like llama3.2:1b.",
    ),
    _Rule(
        ("newer version of ollama", "manifest: 412"),
        PullFailure.NEEDS_NEWER_OLLAMA,
        False,
        "{model} needs a newer Ollama; update Ollama, then install it again.",
    ),
    _Rule(
        ("manifest: file does not exist", "manifest unknown", "manifest: 404"),
        PullFailure.NOT_FOUND,
        False,
        "The registry has no {model}; check the spelling of the name and its tag.",
    ),
    _Rule(
        # Of a manifest Ollama says which it was; with nothing before it, it is a file of the model (0.9.3,
        # ``server/images.go`` and ``server/download.go``).
        ("file does not exist", "blob unknown"),
        PullFailure.FILE_MISSING,
        False,
        "The registry has a manifest of {model} but not all files that it names, so it can't be installed as it is; "
        "choose another tag, or push it again if it is yours.",
    ),
    _Rule(
        ("http response to https client",),
        PullFailure.PLAIN_HTTP,
        False,
        "The registry{host} speaks plain http; allow an insecure registry for this install if it is yours.",
    ),
    _Rule(
        ("no location header", "invalid character", "unexpected end of json", "cannot unmarshal"),
        PullFailure.NOT_A_REGISTRY,
        False,
        "What answered isn't a registry that Ollama can pull from; check the name {model} "
        "and whether a log-in page of the network is in the way.",
    ),
    _Rule(
        ("x509:", "certificate", "tls: "),
        PullFailure.REGISTRY_UNREACHABLE,
        False,
        "Ollama doesn't trust the certificate of the registry{host}; check the server's clock, proxy and CAs.",
    ),
    _Rule(
        ("unauthorized", "realm host", "access denied", "authentication required"),
        PullFailure.UNAUTHORIZED,
        False,
        "The registry refuses {model} without a log-in; check the name, or sign in with Ollama.",
    ),
    _Rule(
        ("max retries exceeded", "context deadline exceeded"),
        PullFailure.REGISTRY_ERROR,
        True,
        "The registry's download server failed again and again; try again later{kept}.",
    ),
    _Rule(
        ("no such host", "server misbehaving", "temporary failure in name resolution"),
        PullFailure.REGISTRY_UNREACHABLE,
        True,
        "The Ollama server can't find the registry{host}; check its internet connection and the name.",
    ),
    _Rule(
        ('": forbidden', "proxyconnect"),
        PullFailure.REGISTRY_UNREACHABLE,
        False,
        "A proxy doesn't let the Ollama server reach the registry{host}; check the server's HTTPS_PROXY.",
    ),
    _Rule(
        ("dial tcp", "connection refused", "i/o timeout", "unreachable", "no route to host", "timeout"),
        PullFailure.REGISTRY_UNREACHABLE,
        True,
        "The Ollama server can't reach the registry{host}; check its internet connection, then try again.",
    ),
    _Rule(
        # Seen in 0.9.3: a pull that joins a transfer in the very moment in which its last client leaves.
        ("context canceled",),
        PullFailure.CUT,
        True,
        "The same download of {model} was being stopped just then; try again{kept}.",
    ),
    _Rule(
        ("connection reset", "eof", "broken pipe", "connection was forcibly closed"),
        PullFailure.CUT,
        True,
        "The connection between Ollama and the registry{host} broke; try again{kept}.",
    ),
)


def pull_failure(text: str, model: str, *, has_arrived: bool = False) -> PullFailed:
    """Make the error for what Ollama (or a registry) said while pulling ``model``.

    ``has_arrived`` is whether a byte of it has: Ollama keeps that, and the sentence says so where it matters.
    """
    lowered = text.lower()
    url = _URL.search(text)
    host = f" {url[2]}" if url else ""
    kept = ", and what has arrived is kept" if has_arrived else ""
    for rule in _RULES:
        if any(part in lowered for part in rule.texts):
            message = rule.sentence.format(model=model, host=host, kept=kept)
            return PullFailed(message, rule.kind, rule.retryable, detail=text)
    if status := _STATUS.search(text):
        return registry_status(int(status[1]), model, text)
    said = " ".join(text.split())[:200].rstrip(".") or "no reason"
    return PullFailed(
        f"Ollama could not install {model} ({said}); look into Ollama's log.",
        PullFailure.OTHER,
        False,
        detail=text,
    )


def registry_status(status: int, model: str, detail: str) -> PullFailed:
    """Make the error for an HTTP status with which a registry answered when it was asked for a manifest."""
    sentences: dict[int, Callable[[], PullFailed]] = {
        401: lambda: pull_failure("unauthorized", model),
        403: lambda: pull_failure("access denied", model),
        404: lambda: pull_failure("manifest: 404", model),
        412: lambda: pull_failure("manifest: 412", model),
    }
    if status in sentences:
        failure = sentences[status]()
        failure.detail = detail
        return failure
    if status == 429:
        message = "The registry has had too many requests; wait some minutes, then try again."
        return PullFailed(message, PullFailure.REGISTRY_ERROR, True, detail=detail)
    if status >= 500:
        message = f"The registry has a fault of its own ({status}); try again later."
        return PullFailed(message, PullFailure.REGISTRY_ERROR, True, detail=detail)
    message = f"The registry refused the request for {model} ({status}); check the name."
    return PullFailed(message, PullFailure.REGISTRY_ERROR, False, detail=detail)


def file_missing(model: str, files: Sequence[str], *, detail: str = "") -> PullFailed:
    """Make the error for a model of which the registry lacks these files: each as ``the licence (0123456789ab)``."""
    some, more = files[:_FILES_NAMED], len(files) - _FILES_NAMED
    parts = [*some, f"{more} more"] if more > 0 else list(some)
    listed = " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))
    what = "a file that it names" if len(files) == 1 else f"{len(files)} files that it names"
    return PullFailed(
        f"The registry has a manifest of {model} but lacks {what}, {listed}, so it can't be installed as it is; "
        "choose another tag, or push it again if it is yours.",
        PullFailure.FILE_MISSING,
        False,
        detail=detail,
    )
