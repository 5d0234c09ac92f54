"""Looks at a server's TLS over a connection of its own, which sends nothing: its certificate, or why it refuses us.

`read_certificate` and `speaks_tls` are the only places where verification is off. No request ever goes over such a
connection, so nobody can be given a secret by mistake: it ends as soon as the handshake has shown the certificate.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .address import HostAddress
from .certificate import CertificateFacts, decode_certificate

__all__ = ["read_certificate", "refusal_after_handshake", "speaks_tls"]


async def read_certificate(address: HostAddress, server_name: str, within: float) -> CertificateFacts | None:
    """The certificate that the server shows, unverified; None where it shows none in ``within`` seconds."""
    data = await _shown_certificate(address, server_name, within)
    if data is None:
        return None
    try:
        return await asyncio.to_thread(decode_certificate, data)  # in a thread: it imports cryptography
    except ValueError:  # it is no certificate as the standard has it
        return None


async def speaks_tls(address: HostAddress, within: float) -> bool:
    """Whether a server answers a TLS handshake with a certificate."""
    return await _shown_certificate(address, address.tls_name, within) is not None


async def refusal_after_handshake(
    address: HostAddress, context: ssl.SSLContext | None, server_name: str, within: float
) -> OSError | None:
    """Why a server ends a connection after the handshake, as with TLS 1.3 one does that refuses our certificate.

    With a request under way its word may be lost, because a reset overtakes it; so nothing is sent here. Verification
    is on; ``context`` None is the system's. None where the server says nothing in ``within`` seconds.
    """
    used = await asyncio.to_thread(ssl.create_default_context) if context is None else context
    try:
        async with asyncio.timeout(within):
            for candidate in address.candidates:
                is_connected = False
                try:
                    async with _connection(candidate, address.port, used, server_name) as (reader, _):
                        is_connected = True
                        await reader.read(1)
                except ssl.SSLError as error:
                    return error
                except OSError:
                    if not is_connected:
                        continue
                return None
    except TimeoutError:
        pass
    return None


async def _shown_certificate(address: HostAddress, server_name: str, within: float) -> bytes | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # a certificate that is too weak is to be read, too
    try:
        async with asyncio.timeout(within):
            for candidate in address.candidates:
                data = await _from(candidate, address.port, context, server_name)
                if data is not None:
                    return data
    except TimeoutError:
        pass
    return None


async def _from(host: str, port: int, context: ssl.SSLContext, server_name: str) -> bytes | None:
    try:
        async with _connection(host, port, context, server_name) as (_, writer):
            shown = writer.get_extra_info("ssl_object")
            data: bytes | None = None if shown is None else shown.getpeercert(True)
            return data
    except (OSError, ValueError):  # SSLError is an OSError; ValueError: a name that can't be one
        return None


@asynccontextmanager
async def _connection(
    host: str, port: int, context: ssl.SSLContext, server_name: str
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection after its handshake; it ends at once, whatever happens.

    In two steps: one that is given up in the moment in which its handshake is done would stay open otherwise, because
    asyncio waits for the server's word then (3.11 to 3.14).
    """
    reader, writer = await asyncio.open_connection(host, port)
    try:
        await writer.start_tls(context, server_hostname=server_name)
        yield reader, writer
    finally:
        writer.transport.abort()
