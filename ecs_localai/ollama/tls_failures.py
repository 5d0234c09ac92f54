"""Why a TLS connection did not come about, in words: an error that names the certificate and says what to do."""

from __future__ import annotations

import asyncio
import re
import ssl
from datetime import UTC, datetime
from enum import StrEnum

from ecs_localai.components.tls import TlsSettings

from .address import HostAddress
from .certificate import CertificateFacts
from .certificate_reading import read_certificate, refusal_after_handshake
from .errors import ErrorKind, HostUnreachable
from .tls_context import client_certificate_facts

__all__ = [
    "CertificateProblem",
    "CertificateRefused",
    "ClientCertificateRefused",
    "expected_name",
    "explain_hang_up",
    "explain_tls_failure",
    "tls_reason",
]

_READING_S = 3.0  # the certificate's own connection may take so long, in seconds


class CertificateProblem(StrEnum):
    """What is wrong with a server's certificate."""

    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    OTHER_NAME = "other_name"
    SELF_SIGNED = "self_signed"
    UNKNOWN_CA = "unknown_ca"
    REVOKED = "revoked"
    WEAK = "weak"
    UNSUITABLE = "unsuitable"
    OTHER = "other"


class CertificateRefused(HostUnreachable):
    """We do not accept the server's certificate; kind TLS.

    ``certificate`` is what it says (None where it could not be read), ``problem`` what is wrong with it.
    ``detail`` has all of it, one line a fact, and OpenSSL's own words.
    """

    def __init__(
        self, message: str, problem: CertificateProblem, certificate: CertificateFacts | None, *, detail: str
    ) -> None:
        super().__init__(message, ErrorKind.TLS, False, detail=detail)
        self.problem = problem
        self.certificate = certificate


class ClientCertificateRefused(HostUnreachable):
    """The server wants a client certificate, or does not accept ours; kind TLS.

    ``certificate`` is ours; None where we have none, or it cannot be read.
    """

    def __init__(self, message: str, certificate: CertificateFacts | None, *, detail: str) -> None:
        super().__init__(message, ErrorKind.TLS, False, detail=detail)
        self.certificate = certificate


# The numbers are OpenSSL's (include/openssl/x509_vfy.h, X509_V_ERR_…).
_PROBLEMS = {
    9: CertificateProblem.NOT_YET_VALID,
    10: CertificateProblem.EXPIRED,
    18: CertificateProblem.SELF_SIGNED,
    19: CertificateProblem.UNKNOWN_CA,
    20: CertificateProblem.UNKNOWN_CA,
    21: CertificateProblem.UNKNOWN_CA,
    23: CertificateProblem.REVOKED,
    26: CertificateProblem.UNSUITABLE,
    62: CertificateProblem.OTHER_NAME,
    64: CertificateProblem.OTHER_NAME,
    66: CertificateProblem.WEAK,
    67: CertificateProblem.WEAK,
    68: CertificateProblem.WEAK,
}
_REMEDIES = {
    CertificateProblem.EXPIRED: "have it renewed, or correct the clock of this machine",
    CertificateProblem.NOT_YET_VALID: "correct the clock of this machine, or have it renewed",
    CertificateProblem.OTHER_NAME: "use a name that it is for, or set the server name",
    CertificateProblem.SELF_SIGNED: "if it is yours, give it as the CA file",
    CertificateProblem.UNKNOWN_CA: "if the CA is yours, give its file",
    CertificateProblem.REVOKED: "don't send anything there before it is replaced",
    CertificateProblem.WEAK: "have it made anew with a stronger key",
    CertificateProblem.UNSUITABLE: "have one made for a server",
    CertificateProblem.OTHER: "have it corrected",
}
_WANTS_CERTIFICATE = {"TLSV13_ALERT_CERTIFICATE_REQUIRED"}
_REFUSES_CERTIFICATE = {
    "SSLV3_ALERT_BAD_CERTIFICATE",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED",
    "SSLV3_ALERT_CERTIFICATE_REVOKED",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
    "TLSV1_ALERT_ACCESS_DENIED",
    "TLSV1_ALERT_DECRYPT_ERROR",
    "TLSV1_ALERT_UNKNOWN_CA",
}
_HANDSHAKE_REFUSED = {"SSLV3_ALERT_HANDSHAKE_FAILURE", "TLSV1_ALERT_INSUFFICIENT_SECURITY"}
_UNKNOWN_NAME = {"TLSV1_UNRECOGNIZED_NAME", "TLSV1_ALERT_UNRECOGNIZED_NAME"}
_OLD_PROTOCOL = {"TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "DH_KEY_TOO_SMALL", "BAD_SIGNATURE_TYPE"}
_REASON = re.compile(r"\[SSL: ([A-Z0-9_]+)\]")


def expected_name(address: HostAddress, tls: TlsSettings | None) -> str:
    """The name or address that the server's certificate must carry."""
    return tls.server_name if tls is not None and tls.server_name else address.tls_name


def tls_reason(error: BaseException) -> str:
    """OpenSSL's short reason, such as ``WRONG_VERSION_NUMBER``, anywhere in an error or its causes; else empty."""
    seen: BaseException | None = error
    while seen is not None:
        reason = getattr(seen, "reason", None)  # aiohttp's own SSL errors are SSLErrors without one
        if isinstance(seen, ssl.SSLError) and isinstance(reason, str) and reason:
            return reason
        if found := _REASON.search(str(seen)):
            return found[1]
        seen = seen.__cause__ or seen.__context__
    return ""


async def explain_tls_failure(
    address: HostAddress, tls: TlsSettings | None, error: BaseException
) -> HostUnreachable | None:
    """The failure of a TLS handshake in words; None when it is not one that TLS itself tells.

    Where the server's certificate is at fault, it is read over another connection, which sends nothing.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        facts = await read_certificate(address, expected_name(address, tls), _READING_S)
        return _refused(address, expected_name(address, tls), error, facts)
    reason, detail, shown = tls_reason(error), str(error), address.display
    if reason in _WANTS_CERTIFICATE | _REFUSES_CERTIFICATE | _HANDSHAKE_REFUSED:
        ours = await asyncio.to_thread(client_certificate_facts, tls)
        return _client_refused(address, tls, reason, ours, detail)
    if reason in _UNKNOWN_NAME:
        message = f"{shown} serves no {expected_name(address, tls)}; use the name that its certificate is for."
    elif reason in _OLD_PROTOCOL:
        message = f"{shown} speaks only an old TLS that is not safe; let it speak TLS 1.2 or newer."
    else:
        return None
    return HostUnreachable(message, ErrorKind.TLS, detail=detail)


async def explain_hang_up(
    address: HostAddress, tls: TlsSettings | None, context: ssl.SSLContext | None, detail: str
) -> HostUnreachable:
    """The failure for a server that shakes hands and then hangs up: with TLS 1.3 our certificate is looked at last."""
    said = await refusal_after_handshake(address, context, expected_name(address, tls), _READING_S)
    told = None if said is None else await explain_tls_failure(address, tls, said)
    if told is not None:
        return told
    if tls is not None and tls.client_certificate:
        about = f"perhaps it refuses {tls.client_certificate}, so give a client certificate that its CA has signed"
    else:
        about = "if it wants a client certificate, give yours in the TLS settings of this host"
    message = f"{address.display} hung up right after the TLS handshake; {about}."
    return HostUnreachable(message, ErrorKind.DISCONNECTED, True, detail=detail)


def _refused(
    address: HostAddress, name: str, error: ssl.SSLCertVerificationError, facts: CertificateFacts | None
) -> CertificateRefused:
    code = getattr(error, "verify_code", 0)
    words = str(getattr(error, "verify_message", "") or error)
    problem = _PROBLEMS.get(code, CertificateProblem.OTHER)
    what, remedy = _wrong(problem, name, words, facts), _REMEDIES[problem]
    shown = "it could not be read" if facts is None else facts.short
    message = f"The certificate of {address.display} {what} ({shown}); {remedy}."
    detail = words if facts is None else f"{facts.long}\n{words}"
    return CertificateRefused(message, problem, facts, detail=detail)


def _wrong(problem: CertificateProblem, name: str, words: str, facts: CertificateFacts | None) -> str:
    now = datetime.now(UTC)
    late = facts is not None and facts.valid_to < now
    early = facts is not None and facts.valid_from > now
    foreign = facts is not None and not facts.is_for(name)
    if problem is CertificateProblem.EXPIRED:
        what = "has expired" if late or facts is None else "is signed by one that has expired"
        return what + (f" and is not for {name}" if foreign else "")
    if problem is CertificateProblem.NOT_YET_VALID:
        what = "is not valid yet" if early or facts is None else "is signed by one that is not valid yet"
        return what + (f" and is not for {name}" if foreign else "")
    if problem is CertificateProblem.OTHER_NAME:
        return f"is not for {name}"
    # OpenSSL tells the first fault alone; who is about to trust this certificate should know the others, too.
    also = " and it has expired" if late else " and it is not valid yet" if early else ""
    also += f" and it is not for {name}" if foreign else ""
    if problem is CertificateProblem.SELF_SIGNED:
        return "is not trusted: it is signed by itself" + also
    if problem is CertificateProblem.UNKNOWN_CA:
        return "is not trusted: its CA is unknown" + also
    if problem is CertificateProblem.REVOKED:
        return "has been revoked" + also
    if problem is CertificateProblem.WEAK:
        return "is too weak" + (f", its key being {facts.key}" if facts is not None else "") + also
    if problem is CertificateProblem.UNSUITABLE:
        return "is not meant for a server" + also
    return f"is not accepted, {words.rstrip('.')}" + also


def _client_refused(
    address: HostAddress, tls: TlsSettings | None, reason: str, ours: CertificateFacts | None, detail: str
) -> HostUnreachable:
    shown = address.display
    given = tls.client_certificate if tls is not None else ""
    if reason in _HANDSHAKE_REFUSED and given:
        message = f"{shown} refuses a secure connection; check its TLS settings and the client certificate."
    elif reason in _HANDSHAKE_REFUSED:
        message = f"{shown} refuses a secure connection; perhaps it wants a client certificate, so give yours."
    elif not given:
        message = f"{shown} wants a client certificate; give yours and its key in the TLS settings of this host."
    else:
        facts = "it can't be read" if ours is None else ours.short
        late = ours is not None and ours.valid_to < datetime.now(UTC)
        why, remedy = ("has expired", "have it renewed") if late else ("is refused", "give one that its CA has signed")
        message = f"The client certificate for {shown} {why} ({facts}); {remedy}."
    return ClientCertificateRefused(message, ours, detail=detail if ours is None else f"{ours.long}\n{detail}")
