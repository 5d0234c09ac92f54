"""``app.events+watch``: events as they are written."""

from __future__ import annotations

from ecs_localai.remote import RemoteClient
from ecs_localai.remote.errors import RESOURCE_ERROR
from ecs_localai.remote.events import MOST_EVENTS
from ecs_localai.runtime import Update
from ecs_localai.testing import run_until
from tests.remote.remote_parts import HERE, Diary, Remote, Sang, Watcher

EVENTS = "app.events+watch"


def songs(watcher: Watcher) -> list[object]:
    """What was sung, as far as it was told."""
    found = []
    for told in watcher.told:
        events = told["events"]
        assert isinstance(events, list)
        found += [event["value"]["song"] for event in events if event["event"] == f"{HERE}.Sang"]
    return found


def test_events_are_told_from_those_on_that_are_still_buffered(remote: Remote) -> None:
    app = remote.app
    app.send_event(Sang("before"))
    with Watcher(remote, EVENTS, events=["Sang"]) as watcher:
        watcher.wait_for(1)
        app.send_event(Sang("la"))
        app.send_event(Sang("li"))
        run_until(app, lambda: len(songs(watcher)) == 3)
        assert songs(watcher) == ["before", "la", "li"]
        assert watcher.told[-1]["missed"] == 0


def test_without_names_events_of_all_types_are_told_also_of_those_that_come_later(remote: Remote) -> None:
    with Watcher(remote, EVENTS) as watcher:
        remote.app.add_systems(Update, lambda: remote.app.send_event(Sang("la")))
        run_until(remote.app, lambda: f"{HERE}.Sang" in str(watcher.told))
        remote.app.add_systems(Update, lambda: remote.app.send_event(Diary("of a new type")))
        run_until(remote.app, lambda: f"{HERE}.Diary" in str(watcher.told))


def test_an_event_whose_type_is_not_registered_is_named_and_not_told(remote: Remote) -> None:
    remote.app.send_event(Diary("mine alone"))
    with Watcher(remote, EVENTS, events=["Diary"]) as watcher:
        watcher.wait_for(1)
        assert f"'code': {RESOURCE_ERROR}" in str(watcher.told)
        assert f"'event': '{HERE}.Diary', 'value': None" in str(watcher.told)
        assert "alone" not in str(watcher.messages)


def test_a_flood_is_told_in_bounded_updates_and_what_was_missed_is_counted(remote: Remote) -> None:
    app = remote.app
    with Watcher(remote, EVENTS, events=["Sang"]) as watcher:
        app.send_event(Sang("begin"))
        watcher.wait_for(1)
        for number in range(10_000):
            app.send_event(Sang(str(number)))
        app.add_systems(Update, lambda: app.send_event(Sang("end")))
        run_until(app, lambda: songs(watcher)[-1:] == ["end"])
        sizes = [len(told["events"]) for told in watcher.told if isinstance(told["events"], list)]
        assert max(sizes) <= MOST_EVENTS
        told_of_the_flood = [song for song in songs(watcher) if str(song).isdigit()]
        assert told_of_the_flood == [str(number) for number in range(len(told_of_the_flood))]
        missed = watcher.told[-1]["missed"]
        assert isinstance(missed, int)
        assert missed >= 10_000 - len(told_of_the_flood)


def test_an_unknown_type_of_events_is_an_error(remote: Remote) -> None:
    with Watcher(remote, EVENTS, events=["Nonsense"]) as watcher:
        run_until(remote.app, lambda: watcher.has_ended)
        assert watcher.error_codes == [RESOURCE_ERROR]


def test_the_client_gives_events_as_values(remote: Remote) -> None:
    remote.app.add_systems(Update, lambda: remote.app.send_event(Sang("la")))

    def first(client: RemoteClient) -> object:
        with client.watch_events(["Sang"], timeout=20) as news:
            return next(news).events[0].value

    assert remote.ask(first) == {"song": "la"}
