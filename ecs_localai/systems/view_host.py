"""What the panel says of the host: connected or not, why not, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

from ecs_localai.components.deleting import HostStorage
from ecs_localai.components.found_hosts import LocalServer, LocalServerState
from ecs_localai.components.hosts import HostHealthMonitor, OllamaHostManager
from ecs_localai.components.models import HostModels, LocalModelManager
from ecs_localai.components.panel_view import HostView, Tone
from ecs_localai.components.wording import format_bytes
from ecs_localai.ollama.address import DEFAULT_HOST, DEFAULT_PORT, parse_host
from ecs_localai.ollama.errors import ErrorKind
from ecs_localai.systems.size_on_disk import size_on_disk

_ANOTHER = "Or type another address into the host field above."
_STEPS: dict[str, tuple[str, ...]] = {
    ErrorKind.TLS: ("If its certificate is one of your own making, name its CA: Edit, then “Certificates for https”.",),
    ErrorKind.UNAUTHORIZED: ("Give the log-in for what stands before it, or another one: Edit.",),
    ErrorKind.FORBIDDEN: (
        "Let the proxy before it send the Host header that Ollama expects, for example localhost:11434.",
    ),
    ErrorKind.DNS: ("Check the spelling of the address, and this computer's network.",),
    ErrorKind.NOT_SUPPORTED: (),
}
"""What to do about failures that are the same wherever the host is."""
_SOMETHING_ELSE = (ErrorKind.NOT_OLLAMA, ErrorKind.BAD_REPLY, ErrorKind.DISCONNECTED)
"""Failures that mean that what answers is no Ollama."""


def health_status(health: HostHealthMonitor) -> tuple[str, Tone]:
    """How a host is doing, in a word or two, and the mood of that."""
    if health.last_health_check is None:
        return "Connecting", Tone.NEUTRAL
    if health.is_flapping:
        return "Unstable", Tone.WARN
    return ("Connected", Tone.OK) if health.is_healthy else ("Not connected", Tone.DANGER)


def host_view(manager: OllamaHostManager, name: str = "", server: LocalServer | None = None) -> HostView:
    """The host field's contents: the default host. It has a ``name`` where there are others, too."""
    config, health = manager.host_config, manager.health_monitor
    status_text, tone = health_status(health)
    view = HostView(config.base_url, status_text, tone, label=f"Default host: {name}" if name else "Model host")
    if health.is_healthy:
        view.version = config.api_version or None
        view.response_time_ms = health.response_time_ms
    elif health.last_health_check is not None:
        view.detail = health.last_error
        view.advice = connection_advice(config.base_url, health.last_error_kind)
        if server is not None and _is_ours_to_start(config.base_url, health.last_error_kind):
            view.starting = {
                LocalServerState.STARTING: "Starting Ollama…", LocalServerState.STOPPING: "Stopping Ollama…",
            }.get(server.state, "")  # fmt: skip
            idle = server.state in (LocalServerState.STOPPED, LocalServerState.FAILED)
            view.can_start = idle and server.program is not None
    return view


def _is_ours_to_start(base_url: str, error_kind: str | None) -> bool:
    """Whether an Ollama that was started on this computer would be the one that is missed."""
    return error_kind == ErrorKind.REFUSED and parse_host(base_url).can_be_served


def connection_advice(base_url: str, error_kind: str | None) -> list[str]:
    """How to get an Ollama, or start one, at this address. The last line is about choosing another address."""
    if error_kind in _STEPS:
        return [*_STEPS[error_kind], _ANOTHER]
    address = parse_host(base_url)
    if error_kind in _SOMETHING_ELSE and address.base_path:
        return [f"Correct the address: {address.base_path} at its end may be too much.", _ANOTHER]
    if error_kind in _SOMETHING_ELSE:
        return [
            f"Another program has port {address.port}: stop it, or start Ollama on another port.",
            "Or type the address of your Ollama into the host field above.",
        ]
    if error_kind == ErrorKind.TIMED_OUT and address.is_loopback:
        return [
            "Something is there but does not answer: restart Ollama.",
            "If it runs elsewhere, type its address into the host field above.",
        ]
    if not address.is_loopback:
        return [
            f"On {address.host}, check that Ollama is running and was started with OLLAMA_HOST=0.0.0.0.",
            f"Check that a firewall lets port {address.port} through.",
            _ANOTHER,
        ]
    if not address.can_be_served:
        return [f"Ollama itself listens elsewhere: start what stands before it, at {address.display}.", _ANOTHER]
    is_default = address.same_host == DEFAULT_HOST and address.port == DEFAULT_PORT
    serve = "ollama serve" if is_default else f"OLLAMA_HOST={address.display} ollama serve"
    app = "start its app, or " if is_default else ""  # which listens at the default address alone
    return [
        f"If Ollama is installed, {app}run “{serve}” in a terminal.",
        "If it is not, get it from ollama.com/download.",
        "If it runs elsewhere, type its address into the host field above.",
    ]


def summary_text(models: LocalModelManager, storage: HostStorage | None, *, synced: bool) -> str:
    """``5 installed · 31.4 GB on disk · 212 GB free``; the models only when they have been seen."""
    installed = models.installed_models.values()
    parts = [f"{len(installed)} installed"] if synced else []
    on_disk = size_on_disk(installed, storage).text if synced else ""
    if on_disk:
        parts.append(f"{on_disk} on disk")
    return " · ".join(parts + _free(models))


def summary_of_hosts(models: LocalModelManager, seen: Sequence[HostModels]) -> str:
    """``9 models on 3 hosts · 212 GB free here``: those of the hosts whose models have been ``seen``."""
    names = {name for one in seen for name in one.installed}
    count = f"{len(names)} model" if len(names) == 1 else f"{len(names)} models"
    hosts = "1 host" if len(seen) == 1 else f"{len(seen)} hosts"
    free = [f"{text} here" for text in _free(models)]
    return " · ".join([f"{count} on {hosts}", *free] if seen else free)


def _free(models: LocalModelManager) -> list[str]:
    free = models.resource_monitor.disk_usage.free_bytes
    if free is None or not parse_host(models.ollama_config.base_url).is_loopback:
        return []
    return [f"{format_bytes(free)} free"]
