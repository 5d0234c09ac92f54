"""What the panel says of several hosts, from hosts in every state: rows, facts, reasons, models side by side."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from ecs_localai.components.deleting import HostStorage
from ecs_localai.components.found_hosts import FoundBy, FoundHost, HostSearch, LocalServer, LocalServerState
from ecs_localai.components.hosts import (
    HostHealthMonitor,
    HostProtocol,
    OllamaConfiguration,
    OllamaHost,
    OllamaHostManager,
)
from ecs_localai.components.models import HostModels, InstalledModel, LoadedModel, LocalModelManager
from ecs_localai.components.panel_view import PlaceBadge, Tone
from ecs_localai.ollama.errors import ErrorKind
from ecs_localai.runtime import Wakeups
from ecs_localai.systems.host_list import ListedHost
from ecs_localai.systems.links import HostLinks
from ecs_localai.systems.seen_hosts import see_hosts
from ecs_localai.systems.view_host import host_view, summary_of_hosts
from ecs_localai.systems.view_hosts import host_rows, hosts_summary, search_view
from ecs_localai.systems.view_model_places import ModelPlaces, named

SEEN = datetime(2026, 11, 1, tzinfo=UTC)
STOPPED = LocalServer(LocalServerState.STOPPED, "/usr/bin/ollama")


def host(name: str, address: str = "", *, default: bool = False, healthy: bool = True) -> ListedHost:
    """A host that was seen, with no models."""
    config = OllamaConfiguration(address or f"{name}.example.com", api_version="0.9.3")
    health = HostHealthMonitor(healthy, SEEN, 2.4 if healthy else None, timedelta(hours=3) if healthy else timedelta(0))
    if not healthy:
        health.last_error, health.last_error_kind = "Nothing listens there.", str(ErrorKind.REFUSED)
    manager = OllamaHostManager(config, health_monitor=health)
    link = HostLinks(Wakeups()).make()
    return ListedHost(1, OllamaHost(name), manager, HostModels(synced=healthy), link, default)


def give(one: ListedHost, *names: str, digest: str = "d", day: int = 1, size: int = 2_000_000_000) -> ListedHost:
    """The same host with models installed."""
    for name in names:
        model = InstalledModel(
            f"{one.base_url} {name}", name, "latest", size, datetime(2026, 1, day, tzinfo=UTC), digest=digest + name
        )
        one.models.installed[name] = model
    return one


# ---- rows


def test_a_connected_host_says_what_it_is_and_how_it_is_doing() -> None:
    one = give(host("box", "192.168.1.5", default=True), "a:1", "b:1")
    (row,) = host_rows([one], STOPPED)
    assert row.facts == "192.168.1.5:11434 · Ollama 0.9.3 · 2 ms · 2 models · about 4 GB · up 3 h"
    assert (row.status_text, row.tone, row.reason, row.is_default) == ("Connected", Tone.OK, "", True)


def test_a_name_that_is_the_address_is_not_repeated() -> None:
    there, away = host("192.168.1.5:11434", "192.168.1.5"), host("192.168.1.6:11434", "192.168.1.6", healthy=False)
    assert [row.facts.split(" · ")[0] for row in host_rows([there, away], STOPPED)] == [
        "Ollama 0.9.3",
        "192.168.1.6:11434",
    ]


def test_models_of_the_same_files_count_once_on_disk() -> None:
    one = host("box", "192.168.1.5")
    for name in ("a:1", "a:copy"):
        give(one, name)
        one.models.installed[name].digest = "same"
    assert "2 models · 2 GB" in host_rows([one], STOPPED)[0].facts


def test_files_that_models_share_count_once_where_it_is_known_which_they_are() -> None:
    one = give(host("box", "192.168.1.5"), "a:1", "b:1")
    known = HostStorage(total_bytes=3_000_000_000, digests=["da:1", "db:1"])
    assert "2 models · 3 GB" in host_rows([one], STOPPED, {one.entity: known})[0].facts
    give(one, "c:1")  # of which it is not known yet
    assert "3 models · about 6 GB" in host_rows([one], STOPPED, {one.entity: known})[0].facts


def test_a_host_that_is_away_says_why_and_what_to_do() -> None:
    (row,) = host_rows([host("box", "192.168.1.5", healthy=False)], STOPPED)
    assert (row.status_text, row.tone, row.reason) == ("Not connected", Tone.DANGER, "Nothing listens there.")
    assert row.facts == "192.168.1.5:11434"
    assert any("OLLAMA_HOST=0.0.0.0" in line for line in row.advice)
    assert not any("host field" in line for line in row.advice)


def test_a_host_not_looked_at_yet_is_connecting() -> None:
    one = host("box", healthy=False)
    one.health.last_health_check = None
    (row,) = host_rows([one], STOPPED)
    assert (row.status_text, row.tone, row.reason) == ("Connecting", Tone.NEUTRAL, "")


@pytest.mark.parametrize("healthy", [True, False])
def test_a_host_that_comes_and_goes_is_unstable(healthy: bool) -> None:
    one = host("box", healthy=healthy)
    one.health.is_flapping = True
    (row,) = host_rows([one], STOPPED)
    assert (row.status_text, row.tone) == ("Unstable", Tone.WARN)
    assert row.reason


def test_models_that_cannot_be_listed_are_a_reason() -> None:
    one = host("box")
    one.models.error = "It answered with nonsense."
    assert host_rows([one], STOPPED)[0].reason == "Its models cannot be listed. It answered with nonsense."


def test_localhost_says_which_address_answered() -> None:
    one = host("box", "localhost")
    one.health.answered_address = "::1"
    assert "localhost:11434 · answered at ::1 · " in host_rows([one], STOPPED)[0].facts


def test_a_server_of_another_kind_is_not_called_ollama() -> None:
    there, away = host("llama-cpp"), host("vllm", healthy=False)
    there.host.protocol = away.host.protocol = HostProtocol.OPENAI
    rows = host_rows([there, away], STOPPED)
    assert "OpenAI’s API" in rows[0].facts
    assert "Ollama" not in rows[0].facts
    assert (rows[1].reason, rows[1].advice) == ("Nothing listens there.", [])


def test_what_we_started_can_be_stopped_and_nothing_else() -> None:
    ours, other = host("ours", "127.0.0.1"), host("other")
    server = LocalServer(LocalServerState.RUNNING, "/usr/bin/ollama", ours.base_url, 7)
    assert [row.can_stop for row in host_rows([ours, other], server)] == [True, False]
    server.state = LocalServerState.STOPPING
    assert not any(row.can_stop for row in host_rows([ours, other], server))


def test_the_summary_counts_those_that_are_connected() -> None:
    assert hosts_summary([host("a")]) == ""
    assert hosts_summary([host("a"), host("b")]) == "All 2 connected"
    assert hosts_summary([host("a"), host("b", healthy=False)]) == "1 of 2 connected"


# ---- the default host


def test_the_default_host_is_named_where_there_are_others() -> None:
    manager = host("box").manager
    assert host_view(manager).label == "Model host"
    assert host_view(manager, "box").label == "Default host: box"


@pytest.mark.parametrize(
    ("address", "kind", "server", "can_start"),
    [
        ("127.0.0.1", ErrorKind.REFUSED, STOPPED, True),
        ("localhost", ErrorKind.REFUSED, LocalServer(LocalServerState.FAILED, "/usr/bin/ollama"), True),
        ("127.0.0.1", ErrorKind.REFUSED, LocalServer(), False),
        ("127.0.0.1", ErrorKind.NOT_OLLAMA, STOPPED, False),
        ("192.168.1.5", ErrorKind.REFUSED, STOPPED, False),
        ("127.0.0.1", ErrorKind.REFUSED, LocalServer(LocalServerState.STARTING, "/usr/bin/ollama"), False),
    ],
)
def test_ollama_can_be_started_where_it_is_missed(
    address: str, kind: ErrorKind, server: LocalServer, can_start: bool
) -> None:
    one = host("box", address, healthy=False)
    one.health.last_error_kind = str(kind)
    view = host_view(one.manager, "", server)
    assert view.can_start is can_start
    assert bool(view.starting) == (server.state is LocalServerState.STARTING)


# ---- finding


def test_found_hosts_are_those_that_are_not_in_the_list() -> None:
    found = [
        FoundHost("http://127.0.0.1:11434", "0.9.3", FoundBy.LOCAL),
        FoundHost("http://172.17.0.2:11434", "0.9.3", FoundBy.CONTAINER, "test-box"),
        FoundHost("http://192.168.1.5:11434", "", FoundBy.LAN),
    ]
    search = HostSearch(lan=True, found=found, problems=["Docker cannot be asked."])
    view = search_view(search, [host("here", "localhost"), host("box", "192.168.1.5")])
    assert [(row.title, row.detail, row.name) for row in view.rows] == [
        ("test-box", "172.17.0.2:11434 · Ollama 0.9.3 · in a container", "test-box")
    ]
    assert view.text == "One found in the local network and on this computer"
    assert view.problems == ["Docker cannot be asked."]
    assert search_view(HostSearch(is_running=True), []).text == "Looking on this computer…"
    assert search_view(HostSearch(), []).text == "No other Ollama was found on this computer."


# ---- models


def test_models_are_one_row_each_with_their_places() -> None:
    a = give(give(host("a", default=True), "both:1", "mine:1"), "old:1", digest="new", day=9)
    b = give(give(host("b"), "both:1"), "old:1", digest="older", day=2)
    rows = {row.name: row for row in ModelPlaces(see_hosts([a, b])).rows()}
    assert list(rows) == ["both:1", "mine:1", "old:1"]
    assert (rows["both:1"].where_text, rows["both:1"].places) == ("On both hosts", [])
    mine = rows["mine:1"]
    assert (mine.where_text, mine.places, mine.absent_text) == ("On", [PlaceBadge("a")], "not on b")
    assert (mine.hosts, mine.installable_on, mine.install_label) == (["a"], ["b"], "Install on b")
    old = rows["old:1"]
    assert old.places == [PlaceBadge("a"), PlaceBadge("older on b", Tone.WARN)]
    assert (old.hosts, old.absent_text, old.install_label) == (["a", "b"], "", "Update on b")


def test_a_host_that_is_away_is_not_offered_and_one_never_seen_lacks_nothing() -> None:
    a = give(host("a", default=True), "m:1")
    away, unseen = host("away", healthy=False), host("unseen", healthy=False)
    away.models.synced = True
    (row,) = ModelPlaces(see_hosts([a, away, unseen])).rows()
    assert row.absent_text == "not on away"
    assert (row.installable_on, row.install_label) == ([], "")
    difference = ModelPlaces(see_hosts([a, away, unseen])).difference()
    assert difference is not None
    assert (difference.text, difference.installs) == ("away lacks 1", [])


def test_a_loaded_model_comes_first_and_says_where() -> None:
    a, b, c = (give(host(name, default=name == "a"), "a:1", "z:1") for name in "abc")
    for one in (b, c):
        one.models.loaded["z:1"] = LoadedModel("z:1", "dz:1", 10, 10, pinned=True)
    row = ModelPlaces(see_hosts([a, b, c])).rows()[0]
    assert (row.name, row.status, row.tone) == ("z:1", "Loaded on 2 hosts · 100 % GPU · stays loaded", Tone.OK)
    c.models.loaded.clear()
    assert ModelPlaces(see_hosts([a, b, c])).rows()[0].status == "Loaded on b · 100 % GPU · stays loaded"


def test_the_difference_is_told_with_what_would_settle_it() -> None:
    a = give(host("a", default=True), "one:1", "two:1")
    b = give(host("b"), "three:1")
    difference = ModelPlaces(see_hosts([a, b])).difference()
    assert difference is not None
    assert difference.text == "a lacks 1, b lacks 2"
    assert difference.question == "Install 3 models, 6 GB in all?"
    assert sorted(difference.installs) == [("one:1", ("b",)), ("three:1", ("a",)), ("two:1", ("b",))]
    assert ModelPlaces(see_hosts([a, give(host("c"), "one:1", "two:1")])).difference() is None


def test_the_difference_of_many_hosts_is_short() -> None:
    hosts = [give(host("n0", default=True), "m:1"), *(host(f"n{number}") for number in range(1, 50))]
    difference = ModelPlaces(see_hosts(hosts)).difference()
    assert difference is not None
    assert difference.text == "n1 lacks 1, n2 lacks 1, n3 lacks 1, and 46 more hosts differ"
    assert ModelPlaces(see_hosts(hosts)).rows()[0].absent_text == "not on n1, n2, n3 and 46 more"


def test_models_of_unknown_size_do_not_count_as_bytes() -> None:
    a, b = give(host("a", default=True), "m:1"), host("b")
    a.models.installed["m:1"] = dataclasses.replace(a.models.installed["m:1"], size=None)
    difference = ModelPlaces(see_hosts([a, b])).difference()
    assert difference is not None
    assert difference.question == "Install 1 model?"
    assert ModelPlaces(see_hosts([a, b])).rows()[0].size_text == ""


def test_the_summary_of_several_hosts_counts_models_by_name() -> None:
    manager = LocalModelManager(ollama_config=OllamaConfiguration("127.0.0.1"))
    manager.resource_monitor.disk_usage.free_bytes = 80_000_000_000
    a, b = give(host("a"), "one:1", "two:1"), give(host("b"), "two:1")
    assert summary_of_hosts(manager, [a.models, b.models]) == "2 models on 2 hosts · 80 GB free here"
    assert summary_of_hosts(manager, []) == "80 GB free here"


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        ([*"abcde"], "a, b, c and 2 more"),
    ],
)
def test_many_names_are_counted(names: list[str], text: str) -> None:
    assert named(names) == text
