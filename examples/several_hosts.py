"""Several Ollamas as one: add hosts, see what each of them has, and what it would take to make them equal.

Give the hosts as a person types them, the first is the default one: ``python examples/several_hosts.py localhost
gpu-box:11434``. Each is an entity; a host that does not answer makes no other wait, and its sentence says what to
change. ``--install`` installs on each what it lacks.
"""

from __future__ import annotations

import sys

from ecs_localai import (
    App,
    DownloadConfig,
    ListedHost,
    LocalModelsPlugin,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    ModelInstallRequest,
    OllamaHosts,
    ScheduleRunner,
    difference_text,
    group_models,
)


def is_settled(host: ListedHost) -> bool:
    """Whether a host has been read, or has said why not."""
    return host.models.synced if host.health.is_healthy else host.health.last_error is not None


def main() -> int:
    addresses = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    if not addresses:
        print("usage: several_hosts.py HOST... [--install] [--insecure]", file=sys.stderr)
        return 2
    with App() as app:
        app.add_plugins(LocalModelsPlugin(addresses[0]))
        hosts = app.world.resource(OllamaHosts)
        for address in addresses[1:]:
            hosts.add(address)
        frame = ScheduleRunner(hz=60, frames=1)
        while not all(is_settled(host) for host in hosts.all()):
            frame(app)
        there = [host for host in hosts.all() if host.health.is_healthy]
        for host in hosts.all():
            models = ", ".join(sorted(host.models.installed)) or "no models"
            print(f"{host.host.name}: {models if host in there else host.health.last_error}")
        groups = group_models([(host.base_url, host.models.installed) for host in there])
        print(difference_text(groups, {host.base_url: host.host.name for host in there}) or "No difference.")
        if "--install" not in sys.argv:
            return 0
        config = DownloadConfig(insecure="--insecure" in sys.argv)
        wanted = [(group.name, base_url) for group in groups for base_url in group.missing_on]
        for name, base_url in wanted:
            app.world.spawn(ModelInstallRequest(name, config, base_url))
        completed = app.events(ModelInstallationCompleted).reader()
        failed = app.events(ModelInstallationFailed).reader()
        ended = 0
        while ended < len(wanted):
            frame(app)
            for done in completed.read():
                print(f"{done.model.name} is on {done.model.host}")
                ended += 1
            for failure in failed.read():
                print(failure.error_message, file=sys.stderr)
                ended += 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
