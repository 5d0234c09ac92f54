"""Which hosts installations have to wait for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from ecs_localai.components.installation import ModelInstallation
from ecs_localai.components.time_values import utc_now
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.installation_books import InstallationBooks


class InstallationHosts:
    """How the hosts are, as far as it matters to installations.

    One that was there is waited for. One that was never there in this run is not: who asks to install something on it
    is told so at once; unless that was begun in an earlier run.
    """

    def __init__(self, books: InstallationBooks) -> None:
        self._books = books
        self._seen: set[str] = set()
        self._lost: dict[str, datetime] = {}
        """When an installation lost its host: what was known of that host's health before counts for nothing."""

    def look(self, hosts: OllamaHosts) -> Callable[[ModelInstallation], bool | None]:
        """Take note of how they are; returns whether an installation has to wait for its own.

        None: that is being found out, as the host has not been asked yet.
        """
        away: set[str] = set()
        unasked: set[str] = set()
        for one in hosts.all():
            url, health = one.base_url, one.health
            if url in self._books.hosts:
                self._books.hosts[url] = (one.manager.api_client, one.manager.connection_pool)
            if health.is_healthy or health.changed_at is not None:
                self._seen.add(url)
            lost_at, asked_at = self._lost.get(url), health.last_health_check
            if lost_at is not None and health.is_healthy and asked_at is not None and asked_at > lost_at:
                del self._lost[url]
            if url in self._lost or (asked_at is not None and not health.is_healthy):
                away.add(url)
            elif not health.is_healthy:
                unasked.add(url)

        def is_away(one: ModelInstallation) -> bool | None:
            if one.host in away:
                return self.was_there(one)
            return None if one.host in unasked and self.was_there(one) else False

        return is_away

    def was_there(self, installation: ModelInstallation) -> bool:
        """Whether its host was there at some time, so that it may come back."""
        waits = installation.installation_id in self._books.patient or installation.progress.bytes_downloaded > 0
        return waits or installation.host in self._seen

    def lose(self, base_url: str) -> None:
        """A host is gone."""
        self._lost[base_url] = utc_now()
