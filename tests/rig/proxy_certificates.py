"""Throw-away certificates of every kind for a TLS proxy: good ones, and each wrong in its own way."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

_CA_USAGE = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


class ProxyCertificates:
    """A CA of one's own with its files in ``folder``; makes server contexts and client certificates."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.ca = trustme.CA(organization_name="Rig CA")
        self.ca_file = str(folder / "ca.pem")
        self.ca.cert_pem.write_to_path(self.ca_file)

    def server(
        self, *names: str, days_from: float = -1, days_to: float = 30, client_ca: trustme.CA | None = None
    ) -> ssl.SSLContext:
        """A server's context with a certificate for these names; with ``client_ca`` it wants a client's, too."""
        now = datetime.now(UTC)
        leaf = self.ca.issue_cert(
            *(names or ("localhost", "127.0.0.1", "::1")),
            common_name="rig proxy",
            not_before=now + timedelta(days=days_from),
            not_after=now + timedelta(days=days_to),
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf.configure_cert(context)
        if client_ca is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            client_ca.configure_trust(context)
        return context

    def self_signed(self, name: str = "localhost", *, weak: bool = False) -> tuple[ssl.SSLContext, str]:
        """A context with a certificate that nobody else signed, and the file of that certificate."""
        key = rsa.generate_private_key(65537, 1024 if weak else 2048)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"homemade {name}")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_CA_USAGE, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        stem = "weak" if weak else "homemade"
        path, key_path = self._folder / f"{stem}.pem", self._folder / f"{stem}.key"
        path.write_bytes(certificate.public_bytes(Encoding.PEM))
        key_path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if weak:
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.load_cert_chain(path, key_path)
        return context, str(path)

    def client(self, *, ca: trustme.CA | None = None, days_to: float = 30, password: str = "") -> tuple[str, str]:
        """The files of a client's certificate and key; with a password the key is locked by it."""
        now = datetime.now(UTC)
        leaf = (ca or self.ca).issue_cert(
            "ada@rig.example", common_name="ada", not_before=now - timedelta(days=9), not_after=now + timedelta(days_to)
        )
        number = len(list(self._folder.glob("client-*.pem")))
        path, key_path = self._folder / f"client-{number}.pem", self._folder / f"client-{number}.key"
        path.write_bytes(b"".join(part.bytes() for part in leaf.cert_chain_pems))
        data = leaf.private_key_pem.bytes()
        if password:
            data = load_pem_private_key(data, None).private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password.encode())
            )
        key_path.write_bytes(data)
        return str(path), str(key_path)

    def in_one_file(self, certificate: str, key: str) -> str:
        """One file with both, the key first."""
        path = self._folder / "both.pem"
        path.write_bytes(Path(key).read_bytes() + Path(certificate).read_bytes())
        return str(path)

    def another_key(self) -> str:
        """The file of a key that belongs to no certificate."""
        path = self._folder / "other.key"
        key = ec.generate_private_key(ec.SECP256R1())
        path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return str(path)
