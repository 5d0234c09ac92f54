"""Reads secrets from where they are kept, and puts them into the system's keyring.

Everything here blocks (a keyring may ask the person first): call it in a thread. No message, no log line and no
``detail`` of an error holds a secret.
"""

from __future__ import annotations

import logging
import os
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ecs_localai.components.authentication import OllamaAuth
from ecs_localai.components.secret_source import SecretPlace, SecretSource

from .errors import ErrorKind, OllamaError

__all__ = [
    "KEYRING_SERVICE",
    "SecretUnavailable",
    "forget_in_keyring",
    "resolve",
    "resolve_auth",
    "store_in_keyring",
    "warning_about",
    "warning_about_keyring",
]

KEYRING_SERVICE = "ecs-localai"
"""What our entries in the keyring are filed under; an entry's name is the user name there."""

_LONGEST = 64 * 1024
_ELSEWHERE = "keep the secret in a file or in an environment variable instead"
_log = logging.getLogger(__name__)
_keyring_turn = threading.Lock()  # fifty hosts whose keyring is locked must not open fifty dialogs
_warned: set[str] = set()
_T = TypeVar("_T")


class SecretUnavailable(OllamaError):
    """A secret is not where it should be, or cannot be read or kept; its kind is UNAUTHORIZED.

    ``source`` is the place.
    """

    def __init__(self, message: str, source: SecretSource | None = None, *, detail: str = "") -> None:
        super().__init__(message, ErrorKind.UNAUTHORIZED, False, detail=detail)
        self.source = source


def resolve(source: SecretSource) -> str:
    """The secret that a place holds, without the line end behind it.

    A file's first line is its secret; ``~`` in front is the home folder. A file that other users may read is used
    all the same, because container platforms mount secrets like that; the log warns of it once (`warning_about`).
    Raises SecretUnavailable.
    """
    if source.place is SecretPlace.ENVIRONMENT:
        return _from_environment(source)
    if source.place is SecretPlace.FILE:
        return _from_file(source)
    return _from_keyring(source)


def resolve_auth(auth: OllamaAuth) -> dict[str, str]:
    """The headers to send for these credentials, reading what they only name. Raises SecretUnavailable."""
    try:
        if auth.needs_resolving:
            auth = auth.resolved({source: resolve(source) for source in auth.sources})
        return auth.request_headers()
    except ValueError as error:  # its sentence never repeats a secret
        where = " and ".join(_shown(source) for source in auth.sources)
        if where:
            message = f"{str(error).rstrip('.')}; correct the secret in {where}."
        else:
            message = "The credentials have no secret, because secrets are not saved; enter it again."
        raise SecretUnavailable(message, auth.source) from None


def warning_about(source: SecretSource) -> str | None:
    """A sentence about a place that works but is not safe: a file that other users of this machine may read, or a
    keyring that encrypts nothing.

    None where there is nothing to say, also on Windows, whose rights are not told by a file's mode.
    """
    if source.place is SecretPlace.KEYRING:
        return warning_about_keyring()
    if source.place is not SecretPlace.FILE or sys.platform == "win32":
        return None
    try:
        mode = _path(source).stat().st_mode
    except OSError:
        return None
    if not mode & (stat.S_IRGRP | stat.S_IROTH):
        return None
    return f"Other users of this machine may read the secret in {source.name}; forbid it with: chmod 600 {source.name}."


def warning_about_keyring() -> str | None:
    """A sentence where this machine's keyring keeps secrets unencrypted in a file; None where it does not, or is none.

    Of keyring's back ends those called ``PlaintextKeyring`` of the package keyrings.alt do so (5.0.2, ``file.py``).
    Nothing is read from it, so it asks nobody to unlock it.
    """
    try:
        import keyring
        from keyring.backends import chainer
    except ImportError:
        return None
    backend = keyring.get_keyring()
    if isinstance(backend, chainer.ChainerBackend):  # the first one that takes a secret keeps it
        backend = next(iter(backend.backends), backend)
    kinds = type(backend).__mro__
    if not any(kind.__module__.startswith("keyrings.alt.") and kind.__name__ == "PlaintextKeyring" for kind in kinds):
        return None
    place = getattr(backend, "file_path", None)
    file = f" {place}" if isinstance(place, str) else ""
    return (
        f"This machine's keyring is a file{file} in which secrets stand unencrypted: who can read your files can read "
        "them. Install or unlock the system's own keyring, or keep the secret in an environment variable instead."
    )


def store_in_keyring(entry: str, value: str) -> None:
    """Keep a secret in the system's keyring, over one that is there by that name. Raises SecretUnavailable."""
    source = SecretSource(SecretPlace.KEYRING, entry)
    if not value:
        raise SecretUnavailable("The secret is empty; type it again.", source)
    _with_keyring(source, lambda: _set(entry, value))
    # A keyring that is switched off (keyring's ``null`` backend) takes everything and keeps nothing.
    if _with_keyring(source, lambda: _get(entry)) != value:
        raise SecretUnavailable(f"The keyring did not keep {entry!r}; {_ELSEWHERE}.", source)


def forget_in_keyring(entry: str) -> bool:
    """Take a secret out of the system's keyring; False where there is none by that name. Raises SecretUnavailable."""
    source = SecretSource(SecretPlace.KEYRING, entry)
    if _with_keyring(source, lambda: _get(entry)) is None:
        return False
    _with_keyring(source, lambda: _delete(entry))
    return True


def _from_environment(source: SecretSource) -> str:
    value = os.environ.get(source.name)
    if value is None:
        raise SecretUnavailable(
            f"The environment variable {source.name} is not set; set it and start this program again, "
            "or say where else the secret is.",
            source,
        )
    return _without_line_end(source, value)


def _from_file(source: SecretSource) -> str:
    path, name = _path(source), source.name
    try:
        # Looked at before it is opened: opening a pipe would wait for whoever writes to it.
        if not stat.S_ISREG(path.stat().st_mode):
            raise SecretUnavailable(f"{name} is not a file; name the file that holds the secret.", source)
        with path.open("rb") as file:
            data = file.read(_LONGEST + 1)
    except FileNotFoundError as error:
        raise SecretUnavailable(
            f"The file {name} that should hold the secret does not exist; make it, or correct its path.",
            source,
            detail=str(error),
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise SecretUnavailable(
            f"The file {name} that holds the secret can't be read; give yourself the right to read it.",
            source,
            detail=type(error).__name__,
        ) from error
    line, separator, _ = data.partition(b"\n")
    if not separator and len(data) > _LONGEST:
        raise SecretUnavailable(f"The first line of {name} is too long for a secret; name the right file.", source)
    try:
        text = line.decode("utf-8-sig")  # Windows' editor puts a mark in front
    except UnicodeDecodeError:
        raise SecretUnavailable(f"The file {name} is not text in UTF-8; name the right file.", source) from None
    warning = warning_about(source)
    if warning is not None and name not in _warned:
        _warned.add(name)
        _log.warning("%s", warning)
    return _without_line_end(source, text)


def _from_keyring(source: SecretSource) -> str:
    value = _with_keyring(source, lambda: _get(source.name))
    if value is None:
        raise SecretUnavailable(
            f"The keyring has no entry {source.name!r} of {KEYRING_SERVICE}; enter the secret again.", source
        )
    return _without_line_end(source, value)


def _without_line_end(source: SecretSource, value: str) -> str:
    secret = value.rstrip("\r\n")
    if not secret:
        raise SecretUnavailable(f"The secret in {_shown(source)} is empty; put it there.", source)
    return secret


def _get(entry: str) -> str | None:
    import keyring

    return keyring.get_password(KEYRING_SERVICE, entry)


def _set(entry: str, value: str) -> None:
    import keyring

    keyring.set_password(KEYRING_SERVICE, entry, value)


def _delete(entry: str) -> None:
    import keyring

    keyring.delete_password(KEYRING_SERVICE, entry)


def _with_keyring(source: SecretSource, action: Callable[[], _T]) -> _T:
    """Do something with the keyring, its failures in words.

    A failure's own text is left out, and so is the exception as a cause: a backend may have written anything into them.
    """
    message, detail = "", ""
    with _keyring_turn:
        try:
            from keyring import errors
        except ImportError as error:
            raise SecretUnavailable(
                f"The package keyring is not installed; install it, or {_ELSEWHERE}.", source, detail=str(error)
            ) from error
        try:
            return action()
        except errors.NoKeyringError:
            message = f"This machine has no keyring, as is usual without a desktop; {_ELSEWHERE}."
        except (errors.KeyringLocked, errors.InitError):
            message = f"The keyring is locked and was not opened; unlock it and try again, or {_ELSEWHERE}."
        except Exception as error:  # noqa: BLE001 - a backend is foreign code with exceptions of its own (D-Bus, GLib)
            message = f"The keyring refuses the entry {source.name!r}; look whether it is unlocked, or {_ELSEWHERE}."
            detail = type(error).__name__
    raise SecretUnavailable(message, source, detail=detail)


def _path(source: SecretSource) -> Path:
    try:
        return Path(source.name).expanduser()
    except RuntimeError:  # nobody knows the home folder
        return Path(source.name)


def _shown(source: SecretSource) -> str:
    if source.place is SecretPlace.ENVIRONMENT:
        return f"the environment variable {source.name}"
    if source.place is SecretPlace.FILE:
        return f"the file {source.name}"
    return f"the keyring's entry {source.name!r}"
