"""What the panel says of the host: connected or not, why not, and what to do about it."""

from __future__ import annotations

from ecs_localai.components.hosts import OllamaHostManager
from ecs_localai.components.models import LocalModelManager
from ecs_localai.components.panel_view import HostView, Tone
from ecs_localai.components.wording import format_bytes
from ecs_localai.ollama.address import parse_host
from ecs_localai.ollama.errors import ErrorKind

_SOMETHING_ELSE = (ErrorKind.NOT_OLLAMA, ErrorKind.BAD_REPLY, ErrorKind.DISCONNECTED)
"""Failures that mean that what answers is no Ollama."""


def host_view(manager: OllamaHostManager) -> HostView:
    """The host field's contents."""
    config, health = manager.host_config, manager.health_monitor
    if health.is_healthy:
        return HostView(
            address=config.base_url,
            status_text="Connected",
            tone=Tone.OK,
            version=config.api_version or None,
            response_time_ms=health.response_time_ms,
        )
    if health.last_health_check is None:
        return HostView(address=config.base_url, status_text="Connecting", tone=Tone.NEUTRAL)
    return HostView(
        address=config.base_url,
        status_text="Not connected",
        tone=Tone.DANGER,
        detail=health.last_error,
        advice=connection_advice(config.base_url, health.last_error_kind),
    )


def connection_advice(base_url: str, error_kind: str | None) -> list[str]:
    """How to get an Ollama, or start one, at this address. The last line is about choosing another address."""
    address = parse_host(base_url)
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
            "Or type another address into the host field above.",
        ]
    serve = "ollama serve" if address.port == 11434 else f"OLLAMA_HOST={address.display} ollama serve"
    return [
        f"If Ollama is installed, start its app, or run “{serve}” in a terminal.",
        "If it is not, get it from ollama.com/download.",
        "If it runs elsewhere, type its address into the host field above.",
    ]


def summary_text(models: LocalModelManager, *, synced: bool) -> str:
    """``5 installed · 31.4 GB on disk · 212 GB free``; the models only when they have been seen."""
    installed = models.installed_models.values()
    # Models of the same digest share their files.
    on_disk = sum({model.digest or model.name: model.size for model in installed if not model.is_cloud}.values())
    parts = [f"{len(installed)} installed"] if synced else []
    if on_disk and synced:
        parts.append(f"{format_bytes(on_disk)} on disk")
    free = models.resource_monitor.disk_usage.free_bytes
    if free is not None and parse_host(models.ollama_config.base_url).is_loopback:
        parts.append(f"{format_bytes(free)} free")
    return " · ".join(parts)
