"""How an encrypted connection to a host is made: whom we trust, and who we are."""

from __future__ import annotations

import msgspec

from ecs_localai.components.secret_source import SecretSource


class TlsSettings(msgspec.Struct, frozen=True):
    """What a connection over https needs beyond the certificates that the system trusts. Paths are of PEM files.

    There is no switch to trust anything: a server with a certificate of its own making is trusted by naming that
    certificate as `ca_file`. Raises `ValueError` for a key without a certificate.
    """

    ca_file: str = ""
    """Certificates to trust beside the system's own; empty for none."""
    client_certificate: str = ""
    """The certificate that says who we are, with its chain; empty for none."""
    client_key: str = ""
    """Its private key; empty where the certificate's own file holds it."""
    client_key_password: SecretSource | None = None
    """Where the key's password is kept; None for a key without one."""
    server_name: str = ""
    """The name that the server's certificate must carry; empty for the host's own."""

    def __post_init__(self) -> None:
        if not self.client_certificate and (self.client_key or self.client_key_password is not None):
            raise ValueError("A client key belongs to a client certificate: give that, too.")
