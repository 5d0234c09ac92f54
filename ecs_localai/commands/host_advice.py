"""What to do about a host that does not answer as it should, said for people at a command line."""

from __future__ import annotations

import shlex

from ecs_localai.components.hosts import HostOrigin
from ecs_localai.ollama.address import DEFAULT_HOST, DEFAULT_PORT, parse_host
from ecs_localai.ollama.errors import ErrorKind, OllamaError, PullFailure
from ecs_localai.ollama.tls_context import TlsFileUnusable
from ecs_localai.ollama.tls_failures import CertificateProblem, CertificateRefused, ClientCertificateRefused
from ecs_localai.systems.saved_hosts import SavedHost

_SOMETHING_ELSE = frozenset({ErrorKind.NOT_OLLAMA, ErrorKind.BAD_REPLY, ErrorKind.DISCONNECTED})


def advice_for(host: SavedHost, error: OllamaError, *, is_usual: bool) -> list[str]:
    """What to change, one step each; the error itself has said what is wrong.

    `is_usual`: whether a command uses this host where none is named.
    """
    match error.kind:
        case ErrorKind.UNAUTHORIZED:
            return _about_log_in(host)
        case ErrorKind.TLS:
            return _about_tls(host, error)
        case ErrorKind.FORBIDDEN:
            return [
                "Let the proxy in front of it send the Host header that Ollama expects, "
                "as nginx does with: proxy_set_header Host localhost:11434;",
            ]
        case ErrorKind.DNS:
            return [f"Correct the address: {_give_address(host)}"]
        case PullFailure() | ErrorKind.CLOSED | ErrorKind.INVALID_HOST:
            return []
    return _about_reaching(host, error.kind, is_usual)


def _about_log_in(host: SavedHost) -> list[str]:
    auth = host.config.authentication
    if auth is None:
        return [f"Give the log-in for what stands before it: {_edit(host, '--bearer')} (or --user, or --header)"]
    return [f"Correct the secret where it is kept, or give another one: {_edit(host, '--bearer')} (or --user)"]


def _about_tls(host: SavedHost, error: OllamaError) -> list[str]:
    own_ca = f"If its certificate is one of your own making, trust that one: {_edit(host, '--ca-file FILE')}"
    name = f"If it carries another name on purpose, say which: {_edit(host, '--server-name NAME')}"
    match error:
        case TlsFileUnusable():
            return [f"Name the right file: {_edit(host, '--ca-file FILE')} (or --client-cert, or --client-key)"]
        case ClientCertificateRefused():
            return [f"Show who you are: {_edit(host, '--client-cert FILE --client-key FILE')}"]
        case CertificateRefused(problem=CertificateProblem.OTHER_NAME):
            return [name]
        case CertificateRefused(problem=CertificateProblem.UNKNOWN_CA | CertificateProblem.SELF_SIGNED):
            shown = error.certificate
            return [own_ca] if shown is None or shown.is_for(host.config.host) else [own_ca, name]
        case CertificateRefused():
            return []
    return [f"Correct the address: {_give_address(host)}"]


def _about_reaching(host: SavedHost, kind: ErrorKind, is_usual: bool) -> list[str]:
    address = parse_host(host.config.base_url)
    if kind is ErrorKind.DISCONNECTED and host.config.tls_enabled:
        return [f"If it asks who you are, show a certificate: {_edit(host, '--client-cert FILE --client-key FILE')}"]
    if kind in _SOMETHING_ELSE and address.base_path:
        return [f"Correct the address, which may have a path too many: {_give_address(host)}"]
    if kind in _SOMETHING_ELSE:
        return [
            f"Another program has port {address.port}: stop it, or start Ollama on another port.",
            f"Or correct the address: {_give_address(host)}",
        ]
    if address.is_loopback:
        if kind is ErrorKind.TIMED_OUT:
            return ["Something is there but does not answer: restart Ollama."]
        if not address.can_be_served:
            return [
                f"Ollama itself listens elsewhere: start what stands before it, at {address.display}.",
                f"Or correct the address: {_give_address(host)}",
            ]
        is_default = address.same_host == DEFAULT_HOST and address.port == DEFAULT_PORT
        theirs = "ollama serve" if is_default else f"OLLAMA_HOST={address.display} ollama serve"
        ours = f"ecs-localai {'' if is_usual else f'--host {shlex.quote(host.name)} '}serve"
        app = "start its app, or " if is_default else ""  # which listens at the default address alone
        return [
            f"If Ollama is installed, {app}run “{theirs}” or “{ours}” in a terminal.",
            "If it is not, get it from ollama.com/download.",
            "If it runs elsewhere, give its address with --host, or add it: ecs-localai hosts add ADDRESS",
        ]
    return [
        f"On {address.host}, check that Ollama is running and was started with OLLAMA_HOST=0.0.0.0.",
        f"Check that a firewall lets port {address.port} through.",
    ]


def _give_address(host: SavedHost) -> str:
    if host.origin is HostOrigin.ENVIRONMENT:
        return "ecs-localai hosts add ADDRESS"
    return _edit(host, "--address ADDRESS")


def _edit(host: SavedHost, options: str) -> str:
    if host.origin is HostOrigin.ENVIRONMENT:
        return f"ecs-localai hosts add {shlex.quote(host.config.base_url)} {options}"
    return f"ecs-localai hosts edit {shlex.quote(host.name)} {options}"
