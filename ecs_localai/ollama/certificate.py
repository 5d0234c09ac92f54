"""What a certificate says of itself, for a person who has to decide what is wrong with it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from cryptography.x509 import Certificate, Name

__all__ = ["CertificateFacts", "decode_certificate"]

_LONGEST_NAME = 32


class CertificateFacts(msgspec.Struct, frozen=True):
    """One X.509 certificate in words. Nothing in it is secret, and nothing of it was verified."""

    subject: str
    """Whose it is: the common name, else the organisation; empty where it says neither."""
    names: tuple[str, ...]
    """The host names and IP addresses that it is for (its subject alternative names)."""
    issuer: str
    """Who signed it, as `subject`."""
    valid_from: datetime
    valid_to: datetime
    sha256: str
    """Its fingerprint: SHA-256 of its DER form, 64 hexadecimal digits in lower case."""
    is_self_issued: bool
    """Whether subject and issuer are the same."""
    key: str
    """The sort of its key, for example ``RSA, 2048 bits``."""

    @property
    def owner(self) -> str:
        """Whom it is for, in a few words: its names, else its subject."""
        if not self.names:
            return _shortened(self.subject) or "nobody"
        more = f" and {len(self.names) - 2} more" if len(self.names) > 2 else ""
        return ", ".join(_shortened(name) for name in self.names[:2]) + more

    def is_for(self, name: str) -> bool:
        """Whether it carries this host name or IP address; a ``*`` stands for one label at the beginning."""
        wanted = name.rstrip(".").lower()
        known = {own.rstrip(".").lower() for own in self.names}
        return wanted in known or "*." + wanted.partition(".")[2] in known

    @property
    def short(self) -> str:
        """For the middle of a sentence: for whom, by whom, from when to when, and the fingerprint."""
        by = "itself" if self.is_self_issued else _shortened(self.issuer) or "nobody named"
        return (
            f"for {self.owner}, by {by}, {self.valid_from:%Y-%m-%d} to {self.valid_to:%Y-%m-%d}, SHA-256 {self.sha256}"
        )

    @property
    def long(self) -> str:
        """Everything, one line a fact."""
        pairs = "".join(self.sha256[at : at + 2].upper() + ":" for at in range(0, len(self.sha256), 2))[:-1]
        return "\n".join(
            [
                f"Subject: {self.subject or 'none'}",
                f"For: {', '.join(self.names) or 'no host at all'}",
                f"Signed by: {'itself' if self.is_self_issued else self.issuer or 'nobody named'}",
                f"Valid from: {self.valid_from:%Y-%m-%d %H:%M} UTC",
                f"Valid to: {self.valid_to:%Y-%m-%d %H:%M} UTC",
                f"Key: {self.key}",
                f"SHA-256: {pairs}",
            ]
        )


def decode_certificate(data: bytes) -> CertificateFacts:
    """Read a certificate in DER or PEM form (of several, the first). Raises ValueError for what is none."""
    from cryptography import x509  # here, because it is needed for failures alone
    from cryptography.hazmat.primitives.hashes import SHA256

    if b"-----BEGIN CERTIFICATE-----" in data:
        certificate = x509.load_pem_x509_certificates(data)[0]
    else:
        certificate = x509.load_der_x509_certificate(data)
    return CertificateFacts(
        subject=_name(certificate.subject),
        names=_host_names(certificate),
        issuer=_name(certificate.issuer),
        valid_from=_utc(certificate.not_valid_before_utc),
        valid_to=_utc(certificate.not_valid_after_utc),
        sha256=certificate.fingerprint(SHA256()).hex(),
        is_self_issued=certificate.subject == certificate.issuer,
        key=_key(certificate),
    )


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _name(name: Name) -> str:
    """The common name, else the organisation, else everything as it is written."""
    from cryptography.x509.oid import NameOID

    for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        values = [str(attribute.value) for attribute in name.get_attributes_for_oid(oid)]
        if values:
            return _printable(", ".join(values))
    return _printable(name.rfc4514_string())


def _host_names(certificate: Certificate) -> tuple[str, ...]:
    from cryptography import x509

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return ()
    hosts = [_printable(name) for name in names.get_values_for_type(x509.DNSName)]
    return (*hosts, *(str(address) for address in names.get_values_for_type(x509.IPAddress)))


def _key(certificate: Certificate) -> str:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    try:
        key = certificate.public_key()
    except (UnsupportedAlgorithm, ValueError):
        return "of a sort that is not known here"
    if isinstance(key, RSAPublicKey):
        return f"RSA, {key.key_size} bits"
    if isinstance(key, EllipticCurvePublicKey):
        return f"elliptic curve {key.curve.name}"
    return type(key).__name__.lstrip("_").removesuffix("PublicKey")


def _printable(text: str) -> str:
    """A stranger wrote it: no line breaks, no control characters."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…"
