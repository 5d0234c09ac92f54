"""Credentials for a proxy in front of Ollama, kept out of everything that is written down."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from enum import StrEnum

import msgspec

from ecs_localai.components.secret_source import SecretSource

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""A header's name: a token in RFC 9110, section 5.6.2."""
_Secret = tuple[str | None, SecretSource | None]
"""A secret, and where it is kept. Only the second is written down; without the first it has to be read or entered."""


class AuthKind(StrEnum):
    """How a request shows who is asking."""

    BEARER = "Bearer"
    BASIC = "Basic"
    HEADERS = "Headers"


class OllamaAuth:
    """Credentials of one kind: a bearer token, a user name with a password, or headers of your own.

    Ollama itself ignores them (it has no authentication); a reverse proxy or ollama.com does not.

    A secret is given as it is, or as a `SecretSource`: the place that holds it, which is read in the background when a
    connection is made. Secrets appear neither in `repr` nor in saved data; places do. What comes back from saved data
    knows its kind, its user name or its headers' names and its places, and is not `is_complete`: what has a place is
    read again (`needs_resolving`, `resolved`), anything else must be given again.
    Values are immutable, compare equal by content, and raise `ValueError` for anything incomplete.
    """

    __slots__ = ("_headers", "_kind", "_secret", "_source", "_username")

    def __init__(
        self,
        *,
        bearer_token: str | None = None,
        username: str | None = None,
        password: str | None = None,
        headers: Mapping[str, str | SecretSource] | None = None,
        source: SecretSource | None = None,
    ) -> None:
        basic = username is not None or password is not None
        bearer = bearer_token is not None or (source is not None and not basic and headers is None)
        if [bearer, basic, headers is not None].count(True) != 1:
            raise ValueError("Give one of: a bearer token, a user name with a password, or headers.")
        if source is not None and (bearer_token is not None or password is not None or headers is not None):
            raise ValueError("Give the secret or the place that holds it, not both; a header's place is its value.")
        self._secret: str | None = None
        self._source = source
        self._username: str | None = None
        self._headers: tuple[tuple[str, _Secret], ...] = ()
        if headers is not None:
            self._kind = AuthKind.HEADERS
            if not headers:
                raise ValueError("Give at least one header.")
            self._headers = tuple((_header_name(name), _header_value(name, value)) for name, value in headers.items())
        elif basic:
            self._kind = AuthKind.BASIC
            if username is None or (password is None and source is None):
                raise ValueError("A user name and a password belong together: give both.")
            self._username = _user_name(username)
            self._secret = None if password is None else _checked("The password", password)
        else:
            self._kind = AuthKind.BEARER
            self._secret = None if bearer_token is None else _checked("The bearer token", bearer_token)

    @classmethod
    def bearer(cls, token: str | None = None, *, source: SecretSource | None = None) -> OllamaAuth:
        """A token, or the place that holds it, sent as ``Authorization: Bearer …``."""
        return cls(bearer_token=token, source=source)

    @classmethod
    def basic(cls, username: str, password: str | None = None, *, source: SecretSource | None = None) -> OllamaAuth:
        """A user name and a password (or its place), sent as ``Authorization: Basic …`` (RFC 7617, in UTF-8)."""
        return cls(username=username, password=password, source=source)

    @classmethod
    def headers(cls, headers: Mapping[str, str | SecretSource]) -> OllamaAuth:
        """Headers of your own, sent as they are; each value is text, or the place that holds it."""
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
    def source(self) -> SecretSource | None:
        """Where the token or the password is kept; None where it was given as it is, and for `HEADERS`."""
        return self._source

    @property
    def header_sources(self) -> dict[str, SecretSource]:
        """Where the values of a `HEADERS` one are kept, by name; those that were given as they are, are left out."""
        return {name: source for name, (_, source) in self._headers if source is not None}

    @property
    def sources(self) -> tuple[SecretSource, ...]:
        """Every place that holds a part of the secret, each once."""
        places = [self._source, *(source for _, (_, source) in self._headers)]
        return tuple(dict.fromkeys(place for place in places if place is not None))

    @property
    def is_complete(self) -> bool:
        """Whether the secret is here; it is not after reading saved data, nor before its place was read."""
        if self._kind is AuthKind.HEADERS:
            return all(value is not None for _, (value, _) in self._headers)
        return self._secret is not None

    @property
    def needs_resolving(self) -> bool:
        """Whether a place has to be read before the headers can be sent (`resolved`)."""
        missing = [*(secret for _, secret in self._headers), (self._secret, self._source)]
        return any(value is None and source is not None for value, source in missing)

    def resolved(self, secrets: Mapping[SecretSource, str]) -> OllamaAuth:
        """The same with what was read from its `sources`; reading them is `ecs_localai.ollama.secrets`.

        Raises `ValueError` for a secret that cannot be sent, without repeating it; `KeyError` for a source left out.
        """
        twin = self._twin()
        if self._source is not None:
            what = "The password" if self._kind is AuthKind.BASIC else "The bearer token"
            twin._secret = _checked(what, secrets[self._source])
        twin._headers = tuple(
            (name, (value if place is None else _checked(f"The header {name}", secrets[place]), place))
            for name, (value, place) in self._headers
        )
        return twin

    def request_headers(self) -> dict[str, str]:
        """The headers to send. Raises `ValueError` when the secret is missing (see `is_complete`)."""
        if self._kind is AuthKind.HEADERS:
            values = {name: value for name, (value, _) in self._headers if value is not None}
            if len(values) == len(self._headers):
                return values
        elif self._secret is not None:
            if self._kind is AuthKind.BEARER:
                return {"Authorization": f"Bearer {self._secret}"}
            pair = f"{self._username}:{self._secret}".encode()
            return {"Authorization": "Basic " + base64.b64encode(pair).decode("ascii")}
        if self.needs_resolving:
            raise ValueError("The credentials have not been read yet from the place that holds them. Read them first.")
        raise ValueError("The credentials have no secret, because secrets are not saved. Enter them again.")

    def without_secrets(self) -> OllamaAuth:
        """The same with its secrets left out, as it comes back from saved data."""
        return self.from_data(self.to_data())

    def to_data(self) -> dict[str, object]:
        """What may be written down: everything but the secrets."""
        return {
            "kind": self._kind.value,
            "username": self._username,
            "header_names": [*self.header_names],
            "source": None if self._source is None else _place(self._source),
            "header_sources": {name: _place(source) for name, source in self.header_sources.items()},
        }

    @classmethod
    def from_data(cls, data: object) -> OllamaAuth:
        """The opposite of `to_data`; also of data from before there were places.

        Raises `ValueError` for data that `to_data` does not make.
        """
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
        auth._source = msgspec.convert(data.get("source"), SecretSource | None)
        places = msgspec.convert(data.get("header_sources", {}), dict[str, SecretSource])
        if (auth._source is not None and names) or not places.keys() <= set(names):
            raise ValueError("Saved credentials have one place for a token or password, or one for each header.")
        auth._headers = tuple((_header_name(name), (None, places.get(name))) for name in names)
        return auth

    def _twin(self) -> OllamaAuth:
        twin = OllamaAuth.__new__(OllamaAuth)
        for name in OllamaAuth.__slots__:
            setattr(twin, name, getattr(self, name))
        return twin

    def _content(self) -> tuple[object, ...]:
        return self._kind, self._username, self._secret, self._source, self._headers

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
        kept = ", ".join(f"{source.place.value} {source.name!r}" for source in self.sources)
        return f"<OllamaAuth {self._kind.value}{shown}{kept and ', kept in '}{kept}, secrets hidden>"


def _place(source: SecretSource) -> dict[str, str]:
    return {"place": source.place.value, "name": source.name}


def _header_value(name: str, value: str | SecretSource) -> _Secret:
    return (None, value) if isinstance(value, SecretSource) else (_checked(f"The header {name}", value), None)


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
