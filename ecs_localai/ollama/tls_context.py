"""Makes the TLS context of a host from its settings, and says what is wrong with the files that they name.

Blocks (files, a keyring): call it in a thread. There is no way to switch verification off.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from pathlib import Path

from ecs_localai.components.tls import TlsSettings

from .certificate import CertificateFacts, decode_certificate
from .errors import ErrorKind, HostUnreachable
from .secrets import resolve

__all__ = ["TlsFileUnusable", "client_certificate_facts", "make_context", "needs_context"]


class TlsFileUnusable(HostUnreachable):
    """A file that the TLS settings name is missing, unreadable, of another sort, or does not fit another; kind TLS."""

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(message, ErrorKind.TLS, False, detail=detail)


class _PasswordNeeded(Exception):
    """OpenSSL asks for a password, and we have none. Without this it would ask on the terminal."""


def needs_context(tls: TlsSettings | None) -> bool:
    """Whether these settings need a context of their own; else the usual one, which trusts the system's, will do."""
    return tls is not None and bool(tls.ca_file or tls.client_certificate)


def make_context(tls: TlsSettings) -> ssl.SSLContext:
    """A context that trusts the system's certificates and `ca_file`, and shows the client certificate.

    Raises TlsFileUnusable, SecretUnavailable (from `client_key_password`).
    """
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    # The certificate in `ca_file` is trusted as it is, also one in the middle of a chain (Python 3.13's own default).
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if tls.ca_file:
        _load_ca(context, tls.ca_file)
    if tls.client_certificate:
        _load_client_certificate(context, tls)
    return context


def client_certificate_facts(tls: TlsSettings | None) -> CertificateFacts | None:
    """What our own certificate says; None where there is none or it cannot be read."""
    if tls is None or not tls.client_certificate:
        return None
    with suppress(OSError, ValueError):
        return decode_certificate(_path(tls.client_certificate).read_bytes())
    return None


def _load_ca(context: ssl.SSLContext, ca_file: str) -> None:
    _readable("CA file", ca_file)
    try:
        context.load_verify_locations(cafile=_path(ca_file))
    except ssl.SSLError as error:
        raise TlsFileUnusable(
            f"The CA file {ca_file} holds no certificate; give a file with certificates in PEM form.",
            detail=str(error),
        ) from error


def _load_client_certificate(context: ssl.SSLContext, tls: TlsSettings) -> None:
    certificate = tls.client_certificate
    key = tls.client_key or certificate
    _readable("client certificate", certificate)
    _readable("client key", key)
    # Read here and not in OpenSSL's callback, out of which exceptions come mixed up.
    password = None if tls.client_key_password is None else resolve(tls.client_key_password)

    def give_password() -> str:
        if password is None:
            raise _PasswordNeeded
        return password

    try:
        context.load_cert_chain(_path(certificate), _path(key), give_password)
    except _PasswordNeeded:
        message = f"The client key {key} is locked by a password; say where that password is kept."
    except ValueError as error:  # OpenSSL takes passwords up to 1024 bytes
        message = f"The password of the client key {key} can't be used; correct it."
        raise TlsFileUnusable(message, detail=type(error).__name__) from None
    except ssl.SSLError as error:
        raise TlsFileUnusable(_what_is_wrong(certificate, key, password), detail=str(error)) from None
    else:
        return
    raise TlsFileUnusable(message)


def _what_is_wrong(certificate: str, key: str, password: str | None) -> str:
    """OpenSSL's own words for these, such as "PEM lib", help nobody: look into the files."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificates

    try:
        first = load_pem_x509_certificates(_path(certificate).read_bytes())[0]
    except (OSError, ValueError):
        return f"The client certificate {certificate} holds no certificate; give a file in PEM form."
    data = _path(key).read_bytes()
    if b"PRIVATE KEY-----" not in data:
        return f"The client key {key} holds no private key; give the file of the key that belongs to {certificate}."
    locked = b"ENCRYPTED" in data
    try:
        private = load_pem_private_key(data, password.encode() if locked and password is not None else None)
    except (ValueError, TypeError):
        if locked:
            return f"The password does not open the client key {key}; correct it where it is kept."
        return f"The client key {key} is damaged; give the key that belongs to {certificate}."
    except UnsupportedAlgorithm:
        return f"The client key {key} is of a sort that is not known here; use RSA or an elliptic curve."
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if private.public_key().public_bytes(*form) != first.public_key().public_bytes(*form):
        return f"The client key {key} does not belong to the client certificate {certificate}; give the two that fit."
    return f"The client certificate {certificate} can't be used, perhaps for a key that is too weak; have it renewed."


def _readable(what: str, name: str) -> None:
    try:
        with _path(name).open("rb"):
            return
    except FileNotFoundError as error:
        raise TlsFileUnusable(f"The {what} {name} does not exist; correct its path.", detail=str(error)) from error
    except IsADirectoryError as error:
        raise TlsFileUnusable(f"The {what} {name} is a folder; name the file in it.", detail=str(error)) from error
    except (OSError, ValueError) as error:
        raise TlsFileUnusable(
            f"The {what} {name} can't be read; give yourself the right to read it.", detail=type(error).__name__
        ) from error


def _path(name: str) -> Path:
    try:
        return Path(name).expanduser()
    except RuntimeError:  # nobody knows the home folder
        return Path(name)
