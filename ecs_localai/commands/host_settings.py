"""What ``hosts add`` and ``hosts edit`` were given, as a host's configuration: no secret is in it, only its place."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import msgspec
import typer

from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.secret_keeping import SECRETS_STAY_OUT
from ecs_localai.components.authentication import AuthKind, OllamaAuth
from ecs_localai.components.hosts import OllamaConfiguration
from ecs_localai.components.secret_source import SecretPlace, SecretSource
from ecs_localai.components.tls import TlsSettings
from ecs_localai.ollama.address import parse_host

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OURS = re.compile(r".+ [0-9a-f]{8}")
"""The names that the command and the panel give to entries of the keyring."""


@dataclass(frozen=True, slots=True)
class SecretOptions:
    """Where one secret is kept, as given; at most one of them."""

    variable: str | None = None
    file: str | None = None
    entry: str | None = None
    """Of the keyring."""
    asked: bool = False
    """Whether it is to be asked for, and put into the keyring."""

    @property
    def is_given(self) -> bool:
        """Whether there is anything."""
        return self.asked or any(one is not None for one in (self.variable, self.file, self.entry))


@dataclass(frozen=True, slots=True)
class HostOptions:
    """What was given; None or empty: not given."""

    bearer: SecretOptions = SecretOptions()
    user: str | None = None
    password: SecretOptions = SecretOptions()
    headers: Sequence[str] = ()
    """Names."""
    header_places: Sequence[SecretOptions] = ()
    """One for each header, or none: then they are asked for."""
    no_login: bool = False
    ca_file: str | None = None
    """An empty text takes away what was set; so for the others of TLS."""
    client_certificate: str | None = None
    client_key: str | None = None
    key_password: SecretOptions = SecretOptions()
    server_name: str | None = None
    timeout: float | None = None
    """Seconds."""


@dataclass(slots=True)
class TypedSecrets:
    """Secrets that a person has typed, by the keyring's entries that they are for; put there last of all."""

    by_entry: dict[str, str] = field(default_factory=dict)
    _kept: list[str] = field(default_factory=list)

    def keep(self) -> None:
        """Put them into the keyring.

        Raises:
            OllamaError: it takes none.
        """
        from ecs_localai.ollama.secrets import store_in_keyring

        for entry, value in self.by_entry.items():
            store_in_keyring(entry, value)
            self._kept.append(entry)

    def forget(self) -> None:
        """Take out of the keyring again what `keep` has put there.

        Raises:
            OllamaError: it cannot be taken out.
        """
        from ecs_localai.ollama.secrets import forget_in_keyring

        while self._kept:
            forget_in_keyring(self._kept.pop())

    def __repr__(self) -> str:
        return f"<{len(self.by_entry)} typed secrets>"


def configured(config: OllamaConfiguration, options: HostOptions) -> tuple[OllamaConfiguration, TypedSecrets]:
    """The configuration with what was given; what was not stays. Asks for secrets on the terminal where wanted.

    Raises:
        CommandFailed: what was given makes no sense; no sentence repeats what may be a secret.
    """
    typed = TypedSecrets()
    try:
        changed = msgspec.structs.replace(
            config,
            authentication=_authentication(config, options, typed),
            tls=_tls(config, options, typed),
            connection_timeout=(
                config.connection_timeout if options.timeout is None else timedelta(seconds=options.timeout)
            ),
        )
    except ValueError as error:
        raise CommandFailed(str(error)) from error
    return changed, typed


def doubts_about(config: OllamaConfiguration) -> Iterator[str]:
    """Sentences about what works, but may not be meant."""
    from ecs_localai.ollama.secrets import warning_about

    auth, tls = config.authentication, config.tls
    for source in (*(auth.sources if auth else ()), *([tls.client_key_password] if tls else ())):
        warning = None if source is None else warning_about(source)
        if warning is not None:
            yield warning
    if config.tls_enabled:
        return
    if tls is not None:
        yield f"{config.base_url} is not encrypted, so no certificate is used; begin the address with https://."
    if auth is not None and not parse_host(config.base_url).is_loopback:
        yield f"{config.base_url} is not encrypted: everybody on the way can read the log-in. Use https:// if you can."


def forget_secrets(gone: OllamaConfiguration, others: Sequence[OllamaConfiguration]) -> list[str]:
    """Take out of the keyring what was typed for a host, as far as no other one needs it; returns what went wrong.

    An entry that a person has named stays.
    """
    from ecs_localai.ollama.errors import OllamaError
    from ecs_localai.ollama.secrets import forget_in_keyring

    needed = {source for config in others for source in secret_sources(config)}
    troubles = []
    for source in secret_sources(gone):
        if source.place is SecretPlace.KEYRING and _OURS.fullmatch(source.name) and source not in needed:
            try:
                forget_in_keyring(source.name)
            except OllamaError as error:
                troubles.append(f"Its secret is still in the keyring, as {source.name!r}. {error.message}")
    return troubles


def secret_sources(config: OllamaConfiguration) -> list[SecretSource]:
    """The places of all secrets that a host needs."""
    found = list(config.authentication.sources) if config.authentication is not None else []
    if config.tls is not None and config.tls.client_key_password is not None:
        found.append(config.tls.client_key_password)
    return found


def _authentication(config: OllamaConfiguration, options: HostOptions, typed: TypedSecrets) -> OllamaAuth | None:
    wants_basic = options.user is not None or options.password.is_given
    wanted = [options.bearer.is_given, wants_basic, bool(options.headers or options.header_places), options.no_login]
    if sum(wanted) > 1:
        raise CommandFailed("Give one log-in: --bearer…, or --user with its password, or --header, or --no-login.")
    before = config.authentication
    if options.no_login:
        return None
    if options.bearer.is_given:
        return OllamaAuth.bearer(source=_source(options.bearer, "bearer", "Bearer token", config, typed))
    if wants_basic:
        return _basic(before, options, config, typed)
    if options.headers or options.header_places:
        return OllamaAuth.headers(_headers(options, config, typed))
    return before


def _basic(
    before: OllamaAuth | None, options: HostOptions, config: OllamaConfiguration, typed: TypedSecrets
) -> OllamaAuth:
    was_basic = before is not None and before.kind is AuthKind.BASIC
    user = options.user if options.user is not None else before.username if before is not None and was_basic else None
    if user is None:
        raise CommandFailed("A password belongs to a user name: give --user, too.")
    if ":" in user:
        raise CommandFailed(f"--user is the name alone, without a colon. {SECRETS_STAY_OUT} Use --password-env VAR.")
    if options.password.is_given:
        source = _source(options.password, "password", f"Password of {user}", config, typed)
        return OllamaAuth.basic(user, source=source)
    if before is None or not was_basic or before.source is None:
        raise CommandFailed(
            "Say where the password is: --password-env VAR, --password-file FILE or --password-keyring ENTRY; "
            "--password asks for it."
        )
    return OllamaAuth.basic(user, source=before.source)


def _headers(options: HostOptions, config: OllamaConfiguration, typed: TypedSecrets) -> dict[str, str | SecretSource]:
    for name in options.headers:
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):  # not repeated: it may be a value
            raise CommandFailed(f"--header is a header's name alone, like X-Api-Key. {SECRETS_STAY_OUT}")
    places = options.header_places or [SecretOptions(asked=True)] * len(options.headers)
    if len(places) != len(options.headers):
        raise CommandFailed(
            "Give for each --header one --header-env (or --header-file, or --header-keyring), in the same order."
        )
    return {
        name: _source(place, "header", f"Value of {name}", config, typed)
        for name, place in zip(options.headers, places, strict=True)
    }


def _tls(config: OllamaConfiguration, options: HostOptions, typed: TypedSecrets) -> TlsSettings | None:
    before = config.tls or TlsSettings()
    key_password = before.client_key_password
    if options.key_password.is_given:
        key_password = _source(options.key_password, "key-password", "Password of the key", config, typed)
    certificate = _file(options.client_certificate, before.client_certificate, "--client-cert")
    made = TlsSettings(
        ca_file=_file(options.ca_file, before.ca_file, "--ca-file"),
        client_certificate=certificate,
        client_key=_file(options.client_key, before.client_key if certificate else "", "--client-key"),
        client_key_password=key_password if certificate or options.key_password.is_given else None,
        server_name=before.server_name if options.server_name is None else options.server_name.strip(),
    )
    return None if made == TlsSettings() else made


def _file(given: str | None, before: str, option: str) -> str:
    """The file's absolute path: the panel may run in another folder."""
    if given is None:
        return before
    if not given:
        return ""
    path = Path(given).expanduser().absolute()
    if not path.is_file():
        raise CommandFailed(f"{option}: there is no file {path}.")
    return str(path)


def _source(
    options: SecretOptions, option: str, what: str, config: OllamaConfiguration, typed: TypedSecrets
) -> SecretSource:
    """The place of a secret. What is given as a place and is none may be the secret itself, so it is not repeated."""
    given = [options.variable is not None, options.file is not None, options.entry is not None, options.asked]
    if sum(given) > 1:
        raise CommandFailed(f"Say one place of the secret: --{option}-env, --{option}-file or --{option}-keyring.")
    if options.variable is not None:
        if not _VARIABLE.fullmatch(options.variable) or options.variable not in os.environ:
            raise CommandFailed(
                f"--{option}-env names no environment variable that is set here. Give the variable's name, not the "
                "secret, and set it first, also where the panel runs."
            )
        return SecretSource(SecretPlace.ENVIRONMENT, options.variable)
    if options.file is not None:
        path = Path(options.file).expanduser().absolute() if options.file else None
        if path is None or not _is_file(path):
            raise CommandFailed(f"--{option}-file names no file that is there. Write the secret into one first.")
        return SecretSource(SecretPlace.FILE, str(path))
    if options.entry is not None:
        if not options.entry.strip():
            raise CommandFailed(f"--{option}-keyring is the name of an entry in the keyring, filed under ecs-localai.")
        return SecretSource(SecretPlace.KEYRING, options.entry)
    return _asked(option, what, config, typed)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long, or with a NUL: no path at all
        return False


def _asked(option: str, what: str, config: OllamaConfiguration, typed: TypedSecrets) -> SecretSource:
    if sys.stdin is None or not sys.stdin.isatty():
        raise CommandFailed(
            f"There is no terminal to type the secret on. Use --{option}-env VAR, --{option}-file FILE or "
            f"--{option}-keyring ENTRY."
        )
    value = str(typer.prompt(what, hide_input=True, err=True))
    entry = f"{parse_host(config.base_url).display} {uuid4().hex[:8]}"
    typed.by_entry[entry] = value
    return SecretSource(SecretPlace.KEYRING, entry)
