"""The form to add or change a host: what was typed and chosen, and the intent that comes of it. No pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

import msgspec

from ecs_localai.components.authentication import AuthKind, OllamaAuth
from ecs_localai.components.hosts import HostProtocol, OllamaConfiguration
from ecs_localai.components.panel_intents import AddHostRequested, EditHostRequested, HostSecret
from ecs_localai.components.secret_source import SecretPlace, SecretSource
from ecs_localai.components.tls import TlsSettings
from ecs_localai.ollama.address import parse_host
from ecs_localai.ollama.errors import InvalidHost
from ecs_localai.panel.field_state import FieldState
from ecs_localai.systems.host_refusals import Known, follows_address, why_refused
from ecs_localai.systems.saved_hosts import configuration_of, name_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecs_localai.components.panel_view import HostRow
    from ecs_localai.ollama.address import HostAddress

NAME, ADDRESS, USER, HEADER = "form:name", "form:address", "form:user", "form:header"
SECRET, VARIABLE, FILE = "form:secret", "form:variable", "form:file"
CA_FILE, SERVER_NAME, CERTIFICATE, KEY = "form:ca", "form:server-name", "form:certificate", "form:key"
_FIELDS = (NAME, ADDRESS, USER, HEADER, SECRET, VARIABLE, FILE, CA_FILE, SERVER_NAME, CERTIFICATE, KEY)
_TLS_FIELDS = (CA_FILE, SERVER_NAME, CERTIFICATE, KEY)

NO_LOGIN = "none"
LOGINS = (
    (NO_LOGIN, "None"),
    (AuthKind.BEARER.value, "Token"),
    (AuthKind.BASIC.value, "User and password"),
    (AuthKind.HEADERS.value, "Header"),
)
PLACES = (
    (SecretPlace.KEYRING.value, "System keyring"),
    (SecretPlace.ENVIRONMENT.value, "Environment variable"),
    (SecretPlace.FILE.value, "File"),
)
PROTOCOLS = ((HostProtocol.OLLAMA.value, "Ollama"), (HostProtocol.OPENAI.value, "OpenAI’s API"))
_SECRETS = {AuthKind.BEARER: "token", AuthKind.BASIC: "password", AuthKind.HEADERS: "value"}
_PLACE_FIELDS = {SecretPlace.KEYRING: SECRET, SecretPlace.ENVIRONMENT: VARIABLE, SecretPlace.FILE: FILE}


class Choice(NamedTuple):
    """A line with one of several to choose."""

    what: str
    """As in `ChooseInForm.what`."""
    label: str
    options: tuple[tuple[str, str], ...]
    """Each choice with its label."""
    chosen: str


class Entry(NamedTuple):
    """A text field of the form."""

    field_id: str
    label: str
    placeholder: str


class Refusal(Exception):
    """What was typed into a field cannot be taken. The message is a sentence for beside the field."""

    def __init__(self, field_id: str, message: str) -> None:
        super().__init__(message)
        self.field_id = field_id


@dataclass(slots=True)
class HostForm:
    """A form being filled in. ``host`` is the name of the host that is changed; empty for a new one."""

    host: str = ""
    config: OllamaConfiguration = field(default_factory=OllamaConfiguration)
    """What it began with."""
    opened_from: str = ""
    """The node that gets the focus back."""
    login: str = NO_LOGIN
    place: str = SecretPlace.KEYRING.value
    protocol: str = HostProtocol.OLLAMA.value
    fields: dict[str, FieldState] = field(default_factory=lambda: {name: FieldState() for name in _FIELDS})
    more: bool = False
    """Whether the fields about certificates are shown."""
    errors: dict[str, str] = field(default_factory=dict)
    """A sentence for each field that was refused, by its id."""
    error: str = ""
    """Why it was refused as a whole."""
    waiting: int | None = None
    """`PanelView.host_answers` when it was handed over; None while nothing is under way."""

    def __post_init__(self) -> None:
        self.fields[SECRET].masked = True

    @classmethod
    def for_host(cls, row: HostRow) -> HostForm:
        """The form with what is known of a host; its secret is not."""
        form = cls(row.name, row.config, protocol=row.protocol.value)
        auth, tls = row.config.authentication, row.config.tls or TlsSettings()
        source = None
        if auth is not None:
            form.login = auth.kind.value
            sources = auth.sources
            source = sources[0] if len(sources) == 1 else None
        if source is not None:
            form.place = source.place.value
        known = {
            NAME: row.name,
            ADDRESS: _as_typed(row.base_url),
            USER: (auth.username if auth else None) or "",
            HEADER: ", ".join(auth.header_names) if auth else "",
            VARIABLE: source.name if source and source.place is SecretPlace.ENVIRONMENT else "",
            FILE: source.name if source and source.place is SecretPlace.FILE else "",
            CA_FILE: tls.ca_file,
            SERVER_NAME: tls.server_name,
            CERTIFICATE: tls.client_certificate,
            KEY: tls.client_key,
        }
        for name, text in known.items():
            form.fields[name].take(text)
        form.more = any(known[name] for name in _TLS_FIELDS)
        return form

    def text(self, field_id: str) -> str:
        """What a field holds, without spaces around it."""
        return self.fields[field_id].edit.text.strip()

    def key(self) -> tuple[object, ...]:
        """What decides which lines there are, and what they say beside the fields' texts."""
        return (
            self.host, self.login, self.place, self.protocol, self.more, self.error, self.waiting is None,
            tuple(sorted(self.errors.items())),
        )  # fmt: skip

    def typed_in(self, field_id: str) -> None:
        """A field's text was changed: what was said of it may not hold any more."""
        self.errors.pop(field_id, None)
        self.error = ""

    def forget_secret(self) -> None:
        """Leave nothing of a typed secret behind."""
        self.fields[SECRET].take("")

    def choose(self, what: str, choice: str) -> None:
        """Choose one of several."""
        if what == "login":
            self.login = choice
        elif what == "place":
            self.place = choice
        elif what == "more":
            self.more = choice == "on"
            return
        else:
            self.protocol = choice
        self.errors.clear()
        self.error = ""

    # ---- what it consists of

    def lines(self, *, protocols: bool) -> list[Choice | tuple[Entry, ...]]:
        """The lines from top to bottom, without those under "More". ``protocols``: whether one can be chosen."""
        where = Entry(ADDRESS, "Address", "192.168.1.20, gpu-box:11434 or https://…")
        lines: list[Choice | tuple[Entry, ...]] = [(where, Entry(NAME, "Name", "Made from the address"))]
        if protocols or self.protocol != HostProtocol.OLLAMA.value:
            lines.append(Choice("protocol", "It speaks", PROTOCOLS, self.protocol))
        lines.append(Choice("login", "Log-in", LOGINS, self.login))
        if self.login == NO_LOGIN:
            return lines
        kind, place = AuthKind(self.login), SecretPlace(self.place)
        word = _SECRETS[kind]
        lines.append(Choice("place", f"The {word} is kept in", PLACES, self.place))
        entries = {
            SecretPlace.KEYRING: Entry(SECRET, word.capitalize(), self._secret_placeholder(word)),
            SecretPlace.ENVIRONMENT: Entry(VARIABLE, "Name of the variable", "OLLAMA_TOKEN"),
            SecretPlace.FILE: Entry(FILE, "Path of the file", "Its first line is used"),
        }
        before = {
            AuthKind.BEARER: (),
            AuthKind.BASIC: (Entry(USER, "User name", ""),),
            AuthKind.HEADERS: (Entry(HEADER, "Name of the header", "X-Api-Key"),),
        }
        return [*lines, (*before[kind], entries[place])]

    def _secret_placeholder(self, word: str) -> str:
        return f"Unchanged; type another {word} to replace it" if self._kept() is not None else ""

    @staticmethod
    def more_lines() -> list[tuple[Entry, ...]]:
        """The lines under "More"."""
        return [
            (Entry(CA_FILE, "Certificate authority (file)", "Trusted beside the system’s own"),
             Entry(SERVER_NAME, "Name in the server’s certificate", "The host’s own name")),
            (Entry(CERTIFICATE, "Client certificate (file)", ""), Entry(KEY, "Its private key (file)", "")),
        ]  # fmt: skip

    # ---- what comes of it

    def request(self, hosts: Sequence[HostRow]) -> AddHostRequested | EditHostRequested | None:
        """The intent that it comes to; None where something was refused, which is then in `errors`."""
        self.errors.clear()
        self.error = ""
        try:
            address = self._address()
            self._refuse_taken(address, hosts)
            auth, secret = self._authentication(address)
            tls = self._tls(address)
        except Refusal as refusal:
            self.errors[refusal.field_id] = str(refusal)
            return None
        config = msgspec.structs.replace(self.config, authentication=auth, tls=tls)
        protocol = HostProtocol(self.protocol)
        if self.host:
            return EditHostRequested(self.host, self.text(ADDRESS), self._new_name(address), config, protocol, secret)
        return AddHostRequested(self.text(ADDRESS), self.text(NAME), config, protocol, secret)

    def _new_name(self, address: HostAddress) -> str:
        """The name of a host that is changed: one that was made from the former address follows the new one."""
        typed = self.text(NAME)
        follows = typed == self.host and follows_address(typed, self.config.base_url)
        follows = follows and address.base_url != self.config.base_url
        return name_for(configuration_of(address)) if follows or not typed else typed

    def _address(self) -> HostAddress:
        typed = self.text(ADDRESS)
        if not typed:
            raise Refusal(ADDRESS, "Type an address, for example 192.168.1.20 or https://ollama.example.com.")
        try:
            return parse_host(typed)
        except InvalidHost as error:
            raise Refusal(ADDRESS, str(error)) from error

    def _refuse_taken(self, address: HostAddress, hosts: Sequence[HostRow]) -> None:
        others = [Known(row.name, row.base_url) for row in hosts if row.name != self.host]
        former = Known(self.host, self.config.base_url) if self.host else None
        refusal = why_refused(others, address.base_url, self.text(NAME), former)
        if refusal is not None:
            raise Refusal(NAME if refusal.is_about_name else ADDRESS, refusal.text)

    def _kept(self) -> OllamaAuth | None:
        """The log-in that it began with, where its secret is where a typed one would go, or in the program itself."""
        auth = self.config.authentication
        if auth is None or auth.kind.value != self.login:
            return None
        if any(source.place.value != self.place for source in auth.sources):
            return None
        return auth if auth.sources or auth.is_complete else None

    def _authentication(self, address: HostAddress) -> tuple[OllamaAuth | None, HostSecret | None]:
        if self.login == NO_LOGIN:
            return None, None
        kind, place = AuthKind(self.login), SecretPlace(self.place)
        # A password may begin or end with a space.
        typed = self.fields[SECRET].edit.text if place is SecretPlace.KEYRING else self.text(_PLACE_FIELDS[place])
        kept = self._kept()
        source = None
        if place is not SecretPlace.KEYRING and typed:
            source = SecretSource(place, typed)
        elif place is SecretPlace.KEYRING:
            source = self._entry(kept, address) if typed else None
        if source is None and kept is not None and not self._named_otherwise(kept):
            return kept, None
        if source is None and kept is not None and len(kept.sources) == 1:
            source = kept.sources[0]
        if source is None:
            raise Refusal(_PLACE_FIELDS[place], self._missing(kind, place))
        secret = HostSecret(source.name, typed) if place is SecretPlace.KEYRING and typed else None
        return self._made(kind, source), secret

    def _named_otherwise(self, kept: OllamaAuth) -> bool:
        """Whether the user's or the header's name was changed."""
        if kept.kind is AuthKind.BASIC:
            return self.text(USER) != kept.username
        return kept.kind is AuthKind.HEADERS and self.text(HEADER) != ", ".join(kept.header_names)

    @staticmethod
    def _missing(kind: AuthKind, place: SecretPlace) -> str:
        if place is SecretPlace.KEYRING:
            return f"Type the {_SECRETS[kind]}: it goes into the system’s keyring."
        if place is SecretPlace.ENVIRONMENT:
            return f"Type the name of the variable that holds the {_SECRETS[kind]}."
        return f"Type the path of the file that holds the {_SECRETS[kind]}."

    @staticmethod
    def _entry(kept: OllamaAuth | None, address: HostAddress) -> SecretSource:
        """The keyring's entry for what was typed: the one there is, else one that nobody else has."""
        if kept is not None and len(kept.sources) == 1:
            return kept.sources[0]
        return SecretSource(SecretPlace.KEYRING, f"{address.display} {uuid4().hex[:8]}")

    def _made(self, kind: AuthKind, source: SecretSource) -> OllamaAuth:
        if kind is AuthKind.BEARER:
            return OllamaAuth.bearer(source=source)
        named = USER if kind is AuthKind.BASIC else HEADER
        if not self.text(named):
            what = "user" if named == USER else "header"
            raise Refusal(named, f"Type the name of the {what}.")
        try:
            if kind is AuthKind.BASIC:
                return OllamaAuth.basic(self.text(USER), source=source)
            return OllamaAuth.headers({self.text(HEADER): source})
        except ValueError as error:
            raise Refusal(named, str(error)) from error

    def _tls(self, address: HostAddress) -> TlsSettings | None:
        typed = {name: self.text(name) for name in _TLS_FIELDS}
        first = next((name for name, text in typed.items() if text), None)
        if first is None:
            return None
        if address.scheme != "https":
            self.more = True
            raise Refusal(first, "This is for https: begin the address with https://, or leave this empty.")
        if typed[KEY] and not typed[CERTIFICATE]:
            self.more = True
            raise Refusal(CERTIFICATE, "A key belongs to a client certificate: give that, too.")
        former = self.config.tls or TlsSettings()
        return TlsSettings(
            ca_file=typed[CA_FILE],
            client_certificate=typed[CERTIFICATE],
            client_key=typed[KEY],
            client_key_password=former.client_key_password if typed[CERTIFICATE] else None,
            server_name=typed[SERVER_NAME],
        )


def _as_typed(base_url: str) -> str:
    """An address as people write it."""
    try:
        return parse_host(base_url).display
    except InvalidHost:
        return base_url
