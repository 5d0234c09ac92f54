"""The list of hosts: one line for one host, rows for several, fifty of them folded, finding, starting, stopping."""

from __future__ import annotations

import pygame
import pytest

from ecs_localai.components.panel_intents import (
    AddHostRequested,
    DefaultHostRequested,
    FindHostsRequested,
    MoveHostRequested,
    RemoveHostRequested,
    StartLocalServerRequested,
    StopLocalServerRequested,
)
from ecs_localai.components.panel_view import SearchView, Tone
from ecs_localai.panel.scene import Role
from ecs_localai.panel.sections.hosts import COLLAPSED, shown_first
from tests.panel.host_samples import few_hosts_view, many_hosts, many_hosts_view, single_view
from tests.panel.panel_driver import Driver
from tests.panel.panel_samples import connected_view, unreachable_view


def hosts_shown(driver: Driver) -> list[str]:
    """The names of the hosts that have a row."""
    rows = driver.panel.scene().with_role(Role.LIST_ITEM)
    return [row.name for row in rows if row.id.startswith("host:")]


# ---- one host


def test_without_hosts_there_is_no_section() -> None:
    assert not Driver(connected_view()).has("add-host")


def test_one_host_takes_one_line() -> None:
    driver = Driver(single_view())
    section = driver.node("hosts")
    assert section.rect.height < 50
    assert driver.has("add-host")
    assert driver.has("find-hosts")
    assert not hosts_shown(driver)
    assert not driver.has("install-places")


def test_one_host_that_we_started_can_be_stopped() -> None:
    view = single_view()
    view.hosts[0].can_stop = True
    driver = Driver(view)
    driver.activate("stop:This computer")
    assert driver.take_intents() == [StopLocalServerRequested()]


# ---- several hosts


def test_each_host_says_its_state_in_words_and_why_it_is_not_there() -> None:
    driver = Driver(few_hosts_view())
    states = {row.name: driver.node(f"host-state:{row.name}") for row in driver.view.hosts}
    assert {name: (node.name, node.value) for name, node in states.items()} == {
        "here": ("Connected", Tone.OK.value),
        "laptop": ("Not connected", Tone.DANGER.value),
        "team": ("Connected", Tone.OK.value),
        "attic": ("Unstable", Tone.WARN.value),
    }
    texts = driver.texts()
    assert all(row.facts in texts for row in driver.view.hosts)
    assert all(row.reason in texts for row in driver.view.hosts if row.reason)
    assert driver.view.hosts[1].advice[0] not in texts


def test_the_default_host_is_marked_and_cannot_be_chosen_again() -> None:
    driver = Driver(few_hosts_view())
    assert "Default" in [node.name for node in driver.node("host:here").children]
    assert not driver.has("use:here")
    driver.activate("use:team")
    assert driver.take_intents() == [DefaultHostRequested("team")]


def test_an_unfolded_row_says_what_to_do_and_has_the_other_actions() -> None:
    driver = Driver(few_hosts_view())
    assert not driver.has("edit:laptop")
    driver.activate("host-more:laptop")
    assert all(line in driver.texts() for line in driver.view.hosts[1].advice)
    driver.activate("up:laptop")
    driver.activate("down:laptop")
    assert driver.take_intents() == [MoveHostRequested("laptop", -1), MoveHostRequested("laptop", 1)]
    driver.activate("host-more:laptop")
    assert not driver.has("edit:laptop")


def test_the_first_cannot_go_up_nor_the_last_down() -> None:
    driver = Driver(few_hosts_view())
    driver.activate("host-more:here")
    driver.activate("host-more:attic")
    assert not driver.has("up:here")
    assert driver.has("down:here")
    assert not driver.has("down:attic")


def test_removing_asks_first_and_begins_on_the_harmless_answer() -> None:
    driver = Driver(few_hosts_view())
    driver.activate("host-more:team")
    driver.activate("remove:team")
    assert driver.focused() == "keep-host:team"
    assert driver.take_intents() == []
    driver.key(pygame.K_ESCAPE)
    assert driver.focused() == "remove:team"
    driver.key(pygame.K_SPACE)
    driver.key(pygame.K_TAB)
    driver.key(pygame.K_RETURN)
    assert driver.take_intents() == [RemoveHostRequested("team")]


def test_a_host_that_we_started_can_be_stopped_in_its_row() -> None:
    view = few_hosts_view()
    view.hosts[0].can_stop = True
    driver = Driver(view)
    driver.activate("host-more:here")
    driver.activate("stop:here")
    assert driver.take_intents() == [StopLocalServerRequested()]


def test_the_header_names_the_default_host() -> None:
    assert "Default host: here" in Driver(few_hosts_view()).texts()
    assert "Model host" in Driver(single_view()).texts()


# ---- fifty hosts


def test_of_many_hosts_the_default_one_and_those_with_trouble_are_shown() -> None:
    driver = Driver(many_hosts_view())
    assert hosts_shown(driver) == ["node-01", "node-02", "node-20", "node-34", "node-42"]
    driver.activate("show-all-hosts")
    assert len(hosts_shown(driver)) == 50
    driver.activate("show-all-hosts")
    assert len(hosts_shown(driver)) == COLLAPSED


def test_more_trouble_than_room_keeps_the_list_short_and_the_default_one_in_it() -> None:
    rows = many_hosts()
    for row in rows:
        row.tone = Tone.DANGER
    shown = shown_first(rows, COLLAPSED)
    assert [row.name for row in shown] == ["node-01", "node-02", "node-03", "node-04", "node-20"]


def test_every_control_of_fifty_hosts_is_reached_in_order() -> None:
    driver = Driver(many_hosts_view(), (900, 700), reduced_motion=True)
    driver.activate("show-all-hosts")
    driver.activate("host-more:node-03")
    controls = [node.id for node in driver.panel.scene().walk() if node.focusable]
    driver.key(pygame.K_ESCAPE)
    visited = []
    for _ in controls:
        driver.key(pygame.K_TAB)
        focused = driver.focused()
        assert focused is not None
        assert driver.node(focused).visible
        visited.append(focused)
    assert sorted(visited) == sorted(controls)
    mine = [node_id for node_id in visited if node_id.endswith(":node-03")]
    assert mine[:6] == [f"{what}:node-03" for what in ("use", "host-more", "edit", "up", "down", "remove")]


def test_fifty_hosts_that_stay_as_they_are_paint_nothing() -> None:
    view = many_hosts_view()
    driver = Driver(view)
    driver.activate("show-all-hosts")
    driver.key(pygame.K_ESCAPE)
    driver.run(2.0)
    view.hosts = many_hosts()
    assert driver.changed() == []
    assert driver.next_due() is None


def test_one_hosts_news_paints_its_row_alone() -> None:
    view = many_hosts_view()
    driver = Driver(view)
    view.hosts[1].facts = view.hosts[1].facts.replace("2 ms", "7 ms")
    rects = driver.changed()
    row = driver.node("host:node-02").rect
    assert rects
    assert all(row.contains(rect) for rect in rects)


# ---- finding


def test_finding_shows_what_is_found_and_adds_it() -> None:
    driver = Driver(few_hosts_view())
    assert not driver.has("search-head")
    driver.activate("find-hosts")
    assert driver.take_intents() == [FindHostsRequested()]
    search = driver.view.search
    texts = driver.texts()
    assert search.text in texts
    assert all(problem in texts for problem in search.problems)
    driver.activate("add-found:http://172.17.0.2:11434")
    assert driver.take_intents() == [AddHostRequested("http://172.17.0.2:11434", "ollama-test")]


def test_the_local_network_is_looked_at_only_on_request() -> None:
    view = single_view()
    view.search = SearchView(is_running=True, text="Looking on this computer…")
    driver = Driver(view)
    driver.activate("find-hosts")
    assert "Looking on this computer…" in driver.texts()
    assert driver.node("search-lan").name == "Also look in the local network"
    driver.activate("search-lan")
    assert driver.take_intents() == [FindHostsRequested(), FindHostsRequested(lan=True)]
    view.search = SearchView(is_running=True, lan=True, text="Looking in the local network and on this computer…")
    driver.changed()
    assert not driver.node("search-lan").enabled


def test_closing_the_search_gives_the_focus_back() -> None:
    driver = Driver(few_hosts_view())
    driver.activate("find-hosts")
    driver.activate("search-close")
    assert not driver.has("search-head")
    assert driver.focused() == "find-hosts"


def test_why_a_found_host_was_refused_is_said_beside_it() -> None:
    view = single_view()
    view.host_error = "http://10.0.0.3:11434 is in the list already, as attic."
    driver = Driver(view)
    assert view.host_error not in driver.texts()
    driver.activate("find-hosts")
    assert view.host_error in driver.texts()


# ---- starting


@pytest.mark.parametrize("width", [480, 900])
def test_ollama_can_be_started_where_that_would_help(width: int) -> None:
    view = unreachable_view()
    driver = Driver(view, (width, 1000))
    assert not driver.has("start-ollama")
    view.host.can_start = True
    driver.changed()
    driver.activate("start-ollama")
    assert driver.take_intents() == [StartLocalServerRequested()]
    view.host.can_start, view.host.starting = False, "Starting Ollama…"
    driver.changed()
    assert not driver.has("start-ollama")
    assert "Starting Ollama…" in driver.texts()
