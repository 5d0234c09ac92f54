"""Credentials for a proxy in front of Ollama, kept out of everything that is written down."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from enum import StrEnum

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""A header's name: a token in RFC 9110, section 5.6.2."""


class AuthKind(StrEnum):
    """How a request shows who is asking."""

    BEARER = "Bearer"
    BASIC = "Basic"
    HEADERS = "Headers"


class OllamaAuth:
    """Credentials of one kind: a bearer token, a user name with a password, or headers of your own.

    Ollama itself ignores them (it has no authentication); a reverse proxy or ollama.com does not.
    Secrets appear neither in `repr` nor in saved data. What comes back from saved data knows its kind,
    its user name or its headers' names, and is not `is_complete`: the secret must be given again.
    Values are immutable, compare equal by content, and raise `ValueError` for anything incomplete.
    """

    __slots__ = ("_headers", "_kind", "_secret", "_username")

    def __init__(
        self,
        *,
        bearer_token: str | None = None,
        username: str | None = None,
        password: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        given = [bearer_token is not None, username is not None or password is not None, headers is not None]
        if sum(given) != 1:
            raise ValueError("Give one of: a bearer token, a user name with a password, or headers.")
        self._secret: str | None = None
        self._username: str | None = None
        self._headers: tuple[tuple[str, str | None], ...] = ()
        if bearer_token is not None:
            self._kind = AuthKind.BEARER
            self._secret = _checked("The bearer token", bearer_token)
        elif headers is not None:
            self._kind = AuthKind.HEADERS
            if not headers:
                raise ValueError("Give at least one header.")
            self._headers = tuple(
                (_header_name(name), _checked(f"The header {name}", value)) for name, value in headers.items()
            )
        elif username is None or password is None:
            raise ValueError("A user name and a password belong together: give both.")
        else:
            self._kind = AuthKind.BASIC
            self._username = _user_name(username)
            self._secret = _checked("The password", password)

    @classmethod
    def bearer(cls, token: str) -> OllamaAuth:
        """A token, sent as ``Authorization: Bearer …``."""
        return cls(bearer_token=token)

    @classmethod
    def basic(cls, username: str, password: str) -> OllamaAuth:
        """A user name and a password, sent as ``Authorization: Basic …`` (RFC 7617, in UTF-8)."""
        return cls(username=username, password=password)

    @classmethod
    def headers(cls, headers: Mapping[str, str]) -> OllamaAuth:
        """Headers of your own, sent as they are."""
        return cls(headers=headers)

    @property
    def kind(self) -> AuthKind:
        """Which of the three it is."""
        return self._kind

    @property
    def username(self) -> str | None:
        """The user name of a `BASIC` one; None for the others."""
        return self._username

    @property
    def header_names(self) -> tuple[str, ...]:
        """The names of a `HEADERS` one; empty for the others."""
        return tuple(name for name, _ in self._headers)

    @property
    def is_complete(self) -> bool:
        """Whether the secret is here; it is not after reading saved data."""
        if self._kind is AuthKind.HEADERS:
            return all(value is not None for _, value in self._headers)
        return self._secret is not None

    def request_headers(self) -> dict[str, str]:
        """The headers to send. Raises `ValueError` when the secret is missing (see `is_complete`)."""
        if self._kind is AuthKind.HEADERS:
            values = {name: value for name, value in self._headers if value is not None}
            if len(values) == len(self._headers):
                return values
        elif self._secret is not None:
            if self._kind is AuthKind.BEARER:
                return {"Authorization": f"Bearer {self._secret}"}
            pair = f"{self._username}:{self._secret}".encode()
            return {"Authorization": "Basic " + base64.b64encode(pair).decode("ascii")}
        raise ValueError("The credentials have no secret, because secrets are not saved. Enter them again.")

    def without_secrets(self) -> OllamaAuth:
        """The same with its secrets left out, as it comes back from saved data."""
        return self.from_data(self.to_data())

    def to_data(self) -> dict[str, object]:
        """What may be written down: everything but the secrets."""
        return {"kind": self._kind.value, "username": self._username, "header_names": [*self.header_names]}

    @classmethod
    def from_data(cls, data: object) -> OllamaAuth:
        """The opposite of `to_data`. Raises `ValueError` for data that `to_data` does not make."""
        if not isinstance(data, dict):
            raise ValueError("Saved credentials must be an object.")
        auth = cls.__new__(cls)
        auth._kind = AuthKind(str(data.get("kind")))
        auth._secret = None
        username, names = data.get("username"), data.get("header_names", [])
        if (auth._kind is AuthKind.BASIC) != isinstance(username, str):
            raise ValueError("Saved credentials have a user name if they are Basic, else none.")
        auth._username = _user_name(username) if isinstance(username, str) else None
        if not isinstance(names, list) or (auth._kind is AuthKind.HEADERS) != bool(names):
            raise ValueError("Saved credentials name headers if they are Headers, else none.")
        auth._headers = tuple((_header_name(name), None) for name in names)
        return auth

    def _content(self) -> tuple[object, ...]:
        return self._kind, self._username, self._secret, self._headers

    def __eq__(self, other: object) -> bool:
        return self._content() == other._content() if isinstance(other, OllamaAuth) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._content())

    def __copy__(self) -> OllamaAuth:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> OllamaAuth:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        return OllamaAuth.from_data, (self.to_data(),)

    def __repr__(self) -> str:
        shown = "" if self._username is None else f", username={self._username!r}"
        if self._headers:
            shown = f", names={self.header_names!r}"
        return f"<OllamaAuth {self._kind.value}{shown}, secrets hidden>"


def _checked(what: str, value: str) -> str:
    """A header's value; a line break in one would let it add headers of its own."""
    if not value:
        raise ValueError(f"{what} is empty.")
    if any(char in value for char in "\r\n\0"):
        raise ValueError(f"{what} must not contain a line break or a NUL character.")
    return value


def _header_name(name: object) -> str:
    if isinstance(name, str) and _TOKEN.fullmatch(name):
        return name
    raise ValueError(f"{name!r} is not a header's name.")


def _user_name(name: str) -> str:
    if ":" in _checked("The user name", name):
        raise ValueError("A user name must not contain a colon (RFC 7617).")
    return name
