"""Installations that stop for a while: paused, scheduled, without their host, or because another program is quicker."""

from __future__ import annotations

import time as clock

import msgspec

from ecs_localai.components.events import ModelInstallationPaused, ModelInstallationResumed
from ecs_localai.components.installation import (
    InstallationError,
    InstallationPhase,
    InstallationStatus,
    ModelInstallation,
    WaitReason,
)
from ecs_localai.components.time_values import Timestamp, utc_now
from ecs_localai.runtime import App
from ecs_localai.systems.installation_books import InstallationBooks
from ecs_localai.systems.installation_ending import InstallationEnding
from ecs_localai.systems.installation_hosts import InstallationHosts
from ecs_localai.systems.installation_progress import InstallationRun
from ecs_localai.systems.kept_queue import QueueNews
from ecs_localai.systems.persistence import SavedState

MOST_LOSSES = 10
"""A host may be lost so often in a row without a new byte in between: then it is likely the model that kills it."""


class InstallationRests:
    """Has installations wait, and go on. What was at work keeps its place, and its host what has arrived."""

    def __init__(
        self,
        app: App,
        books: InstallationBooks,
        ending: InstallationEnding,
        hosts: InstallationHosts,
        saved: SavedState,
    ) -> None:
        self._app = app
        self._books = books
        self._ending = ending
        self._hosts = hosts
        self._queue = saved.queue
        self._paused = app.add_event(ModelInstallationPaused).writer()
        self._resumed = app.add_event(ModelInstallationResumed).writer()

    def pause(self, installation: ModelInstallation) -> None:
        """Stop it for now; it keeps its place, and its host what has arrived."""
        if installation.status.is_finished or installation.status.kind is InstallationPhase.PAUSED:
            return
        self._queue.amend(installation.installation_id, paused=True)
        found = self._books.run_of(installation)
        if found is not None and found[0].task is not None:
            found[1].is_coming_back = True
            found[0].task.cancel()
        installation.status = InstallationStatus.PAUSED
        installation.waits_for = WaitReason.PAUSED
        self._note_wishes(installation)
        self._paused.write(ModelInstallationPaused(installation.installation_id, installation.model_name))

    def resume(self, installation: ModelInstallation) -> None:
        """Have it go on when it is its turn, also one that waits for a time."""
        was_paused = installation.status.kind is InstallationPhase.PAUSED
        if installation.status.is_finished or not (was_paused or installation.not_before is not None):
            return
        installation.not_before = None
        self._queue.amend(installation.installation_id, paused=False, not_before=None)
        self._books.lacking_room.discard(installation.installation_id)  # somebody may have made room
        if was_paused:
            installation.status = InstallationStatus.QUEUED
            installation.waits_for = WaitReason.TURN
            self._resumed.write(ModelInstallationResumed(installation.installation_id, installation.model_name))
        self._note_wishes(installation)

    def schedule(self, installation: ModelInstallation, moment: Timestamp | None) -> None:
        """Have it go on no sooner than this. One that is at work stops for so long."""
        if installation.status.is_finished or installation.not_before == moment:
            return
        installation.not_before = moment
        self._queue.amend(installation.installation_id, not_before=moment)
        found = self._books.run_of(installation)
        if found is not None and found[0].task is not None and moment is not None and moment > utc_now():
            found[1].is_coming_back = True
            found[0].task.cancel()
            installation.status = InstallationStatus.QUEUED
        self._note_wishes(installation)

    def move(self, installation_id: str, by: int) -> None:
        """Have one that waits stand so many places later; negative is earlier."""
        if self._books.move(installation_id, by):
            self._ending.changed()

    def _note_wishes(self, installation: ModelInstallation) -> None:
        former = self._books.waiting.get(installation.installation_id)
        if former is not None:
            self._books.wait(installation, former.requested_at)
        self._app.wakeups.request_frame()
        self._ending.changed()

    def come_back(self, installation: ModelInstallation, run: InstallationRun) -> None:
        """Its work was stopped, or could not go on, and it waits again."""
        key = installation.installation_id
        installation.progress = msgspec.structs.replace(
            installation.progress, download_speed=0.0, eta=None, still_for=None, retry=None
        )
        if installation.status.kind is not InstallationPhase.PAUSED:
            installation.status = InstallationStatus.QUEUED
        self.keep_progress(installation, run)
        self._books.spent[key] = self._books.seconds_of(installation)
        self._books.rest(installation)
        self._look_again(installation)
        self._app.wakeups.request_frame()
        self._ending.changed()

    def lose_host(self, installation: ModelInstallation, run: InstallationRun, error: InstallationError) -> None:
        """Its host is gone: it waits until that is there again; unless it never was, or this goes on for ever."""
        key, done = installation.installation_id, installation.progress.bytes_downloaded
        times, former = self._books.losses.get(key, (0, -1))
        times = times + 1 if done <= former else 1
        self._books.losses[key] = times, done
        if not self._hosts.was_there(installation) or times > MOST_LOSSES:
            self._ending.fail(installation, error)
            return
        self._hosts.lose(installation.host)
        self.come_back(installation, run)
        if installation.status.kind is not InstallationPhase.PAUSED:
            installation.waits_for = WaitReason.HOST

    def find_elsewhere(self, installation: ModelInstallation, run: InstallationRun) -> None:
        """Another program is at work on the same: it waits until that has ended."""
        self._books.elsewhere.add(installation.installation_id)
        self.come_back(installation, run)

    def lack_room(self, installation: ModelInstallation, run: InstallationRun, *, is_elsewhere: bool) -> None:
        """What is being downloaded there will take the room that it needs: it waits until that has ended."""
        self._books.lacking_room.add(installation.installation_id)
        if is_elsewhere:
            self._books.elsewhere.add(installation.installation_id)
        self.come_back(installation, run)

    def keep_progress(self, installation: ModelInstallation, run: InstallationRun) -> None:
        """Keep how far it is."""
        run.saved_at = clock.monotonic()
        progress = installation.progress
        self._queue.amend(
            installation.installation_id,
            state=installation.status.kind,
            bytes_done=progress.bytes_downloaded,
            total_bytes=progress.total_bytes,
            refetched_bytes=installation.refetched_bytes,
            layers=list(installation.layers),
            begun_at=installation.started_at,
            seconds=round(self._books.seconds_of(installation), 3),
        )

    def look_again_after(self, installation: ModelInstallation) -> None:
        """It has ended: its host may have files now that others were waiting for."""
        fetched = self._books.digests.get(installation.installation_id)
        for key, digests in self._books.digests.items():
            other = self._books.manager.active_installations.get(key)
            same_host = other is not None and other.host == installation.host and key in self._books.waiting
            if same_host and digests and (not fetched or digests & fetched):
                self._books.digests[key] = None

    def _look_again(self, installation: ModelInstallation) -> None:
        self.look_again_after(installation)
        if installation.recipe is None and not self._books.digests.get(installation.installation_id):
            self._books.digests[installation.installation_id] = None

    def follow(self, news: QueueNews) -> None:
        """What other programs have changed in the queue."""
        for kept in news.changed:
            installation = self._books.manager.active_installations.get(kept.installation_id)
            if installation is None:
                continue
            if kept.row.paused:
                self.pause(installation)
            elif installation.status.kind is InstallationPhase.PAUSED:
                self.resume(installation)
            self.schedule(installation, kept.row.not_before)
        if news.changed:
            self._books.tell_queues()
            self._ending.changed()
        if news.of_others and self._books.elsewhere:
            self._books.try_elsewhere_again()
            self._app.wakeups.request_frame()
