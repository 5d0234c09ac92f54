"""The card before an installation: asking for it, agreeing, later, not now, another context, another host."""

from __future__ import annotations

import pygame
import pytest

from ecs_localai.components.panel_intents import InstallRequested, PreflightDismissed, PreflightRequested
from ecs_localai.components.panel_view import PanelView
from ecs_localai.panel.scene import Role
from tests.panel.host_samples import few_hosts_view
from tests.panel.install_samples import (
    CONTEXTS,
    TONIGHT,
    TOO_LARGE,
    full_card,
    installing_hosts_view,
    long_card,
    looking_card,
    quiet_view,
    ready_card,
    refused_row,
    small_disk_card,
)
from tests.panel.panel_driver import Driver

NAME = "llama3.2:1b"
AGREED = [InstallRequested(NAME)]


def asked(view: PanelView | None = None, name: str = NAME) -> Driver:
    """A panel in which a name was typed and Enter pressed; what it answers is not there yet."""
    driver = Driver(view or quiet_view(), (900, 1400), reduced_motion=True)
    driver.view.completions = []
    driver.click("install")
    driver.type(name)
    driver.key(pygame.K_RETURN)
    return driver


def answered(view: PanelView | None = None) -> Driver:
    """The same, with the card that can be agreed to."""
    driver = asked(view)
    driver.view.preflight = looking_card()
    driver.changed()
    driver.view.preflight = ready_card()
    driver.changed()
    assert driver.take_intents() == [PreflightRequested(NAME)]
    return driver


# ---- agreeing


def test_enter_again_agrees_and_empties_the_field() -> None:
    driver = answered()
    driver.key(pygame.K_RETURN)
    assert driver.take_intents() == AGREED
    assert (driver.node("install").value, driver.focused()) == ("", "install")
    assert not driver.has("preflight-card")


def test_enter_while_it_is_looked_at_asks_and_installs_nothing() -> None:
    driver = asked()
    driver.take_intents()
    driver.key(pygame.K_RETURN)  # the view knows nothing of it yet
    driver.view.preflight = looking_card()
    driver.changed()
    driver.take_intents()
    for _ in range(3):
        driver.key(pygame.K_RETURN)
    assert driver.take_intents() == []
    assert not driver.node("preflight-install").enabled


def test_enter_held_down_only_asks() -> None:
    driver = Driver(quiet_view(), reduced_motion=True)
    driver.view.completions = []
    driver.click("install")
    driver.type(NAME)
    driver.panel.handle_event(pygame.event.Event(pygame.KEYUP, key=pygame.K_b, mod=0))
    driver.key(pygame.K_RETURN)
    driver.view.preflight = ready_card()
    driver.changed()
    for _ in range(5):
        driver.key(pygame.K_RETURN)  # as it repeats
    assert driver.take_intents() == [PreflightRequested(NAME)]
    driver.panel.handle_event(pygame.event.Event(pygame.KEYUP, key=pygame.K_RETURN, mod=0))
    driver.key(pygame.K_RETURN)
    assert driver.take_intents() == AGREED


def test_another_text_is_asked_about_first() -> None:
    driver = answered()
    driver.type("-x")
    driver.key(pygame.K_RETURN)
    assert driver.take_intents() == [PreflightRequested(f"{NAME}-x")]
    driver.key(pygame.K_RETURN)  # the card is still about the other one
    assert driver.take_intents() == []
    driver.view.preflight = ready_card(f"{NAME}-x")
    driver.changed()
    driver.key(pygame.K_RETURN)
    assert driver.take_intents() == [InstallRequested(f"{NAME}-x")]


@pytest.mark.parametrize(("node_id", "moment"), [("preflight-install", None), ("preflight-tonight", TONIGHT)])
def test_the_cards_buttons_install_now_or_later(node_id: str, moment: object) -> None:
    driver = answered()
    driver.activate(node_id)
    intents = driver.take_intents()
    assert [type(intent) for intent in intents] == [InstallRequested]
    assert [intent.not_before for intent in intents if isinstance(intent, InstallRequested)] == [moment]
    assert driver.focused() == "install"
    assert driver.node("install").value == ""


def test_a_click_agrees_only_once_the_card_could_be_seen() -> None:
    driver = answered()
    driver.click("preflight-install")
    assert driver.take_intents() == []
    driver.run(0.5)
    driver.click("preflight-install")
    assert driver.take_intents() == AGREED


def test_the_second_click_on_the_fields_button_agrees_to_nothing() -> None:
    driver = Driver(quiet_view(), (900, 1400), reduced_motion=True)
    driver.view.completions = []
    driver.click("install")
    driver.type(NAME)
    driver.click("install-button")
    driver.view.preflight = ready_card()
    driver.changed()
    driver.click("install-button")
    assert driver.take_intents() == [PreflightRequested(NAME)]
    driver.run(0.5)
    driver.click("install-button")
    assert driver.take_intents() == AGREED


def test_a_double_click_on_install_presses_nothing_of_what_comes_to_lie_there() -> None:
    driver = answered()
    driver.run(0.5)
    at = driver.centre("preflight-install")
    for _ in range(3):
        driver.press(*at)
        driver.release(*at)
    assert driver.take_intents() == AGREED


def test_what_cannot_be_installed_says_why_and_has_no_working_button() -> None:
    driver = asked()
    card = ready_card()
    card.rows, card.install, card.tonight = [refused_row()], None, None
    driver.view.preflight = card
    driver.changed()
    driver.take_intents()
    alerts = [node.name for node in driver.node("preflight-row:0").children if node.role is Role.ALERT]
    assert alerts == [TOO_LARGE]
    assert not driver.node("preflight-install").enabled
    assert not driver.node("preflight-tonight").enabled
    driver.key(pygame.K_RETURN)  # the network may be back
    assert driver.take_intents() == [PreflightRequested(NAME)]


@pytest.mark.parametrize("by", ["keyboard", "pointer"])
def test_what_lacks_only_room_can_be_installed_anyway(by: str) -> None:
    driver = asked(name="qwen3:8b")
    driver.view.preflight = small_disk_card()
    driver.changed()
    driver.take_intents()
    assert not driver.node("preflight-install").enabled
    button = driver.node("preflight-anyway")
    assert (button.enabled, button.name) == (True, "Install anyway: qwen3:8b")
    if by == "keyboard":
        driver.tab_to("preflight-anyway")
        driver.key(pygame.K_RETURN)
    else:
        driver.click("preflight-anyway")  # a moment after the card could be seen: the second of a double click
        assert driver.take_intents() == []
        driver.run(0.5)
        driver.click("preflight-anyway")
    assert driver.take_intents() == [InstallRequested("qwen3:8b", ignores_room=True)]
    assert not driver.has("preflight-card")
    assert (driver.node("install").value, driver.focused()) == ("", "install")


def test_enter_in_the_field_never_installs_without_room() -> None:
    driver = asked(name="qwen3:8b")
    driver.view.preflight = small_disk_card()
    driver.changed()
    driver.take_intents()
    driver.key(pygame.K_RETURN)
    assert driver.take_intents() == [PreflightRequested("qwen3:8b")]
    driver.tab_to("preflight-context:4096")
    driver.key(pygame.K_RETURN)
    assert driver.take_intents() == []


def test_a_refused_installation_puts_its_name_back() -> None:
    driver = answered()
    driver.key(pygame.K_RETURN)
    driver.view.preflight, driver.view.install_error = None, "That host is gone."
    driver.changed()
    assert driver.node("install").value == NAME
    assert "That host is gone." in driver.texts()


# ---- not now


@pytest.mark.parametrize("by", ["escape", "escape in the card", "button", "click"])
def test_not_now_takes_the_card_away_and_keeps_what_was_typed(by: str) -> None:
    driver = answered()
    if by == "escape in the card":
        driver.tab_to("preflight-tonight")
    if by == "button":
        driver.activate("preflight-dismiss")
    elif by == "click":
        driver.click("preflight-dismiss")
    else:
        driver.key(pygame.K_ESCAPE)
    assert driver.take_intents() == [PreflightDismissed()]
    assert not driver.has("preflight-card")
    assert (driver.node("install").value, driver.focused()) == (NAME, "install")


def test_a_dismissed_card_can_be_asked_for_again() -> None:
    driver = answered()
    driver.key(pygame.K_ESCAPE)
    driver.view.preflight = None
    driver.changed()
    driver.take_intents()
    driver.key(pygame.K_RETURN)
    assert driver.take_intents() == [PreflightRequested(NAME)]
    driver.view.preflight = ready_card()
    driver.changed()
    assert driver.has("preflight-card")


def test_escape_elsewhere_leaves_the_card() -> None:
    driver = answered()
    driver.tab_to("find-hosts")
    driver.key(pygame.K_ESCAPE)
    assert driver.take_intents() == []
    assert driver.has("preflight-card")


# ---- what it says


def test_it_says_all_that_is_known_of_each_model() -> None:
    view = quiet_view()
    view.preflight = full_card()
    driver = Driver(view, (900, 1600), reduced_motion=True)
    texts = driver.texts()
    for row in view.preflight.rows:
        said = (row.facts, row.download_text, row.disk_text, row.replaces, row.note, row.problem)
        assert {text for text in (row.name, *said) if text} <= set(texts)
    assert view.preflight.total_text in texts
    assert [driver.node(f"preflight-fit:{number}").name for number in range(3)] == ["Fits", "Tight", "Won't run"]
    assert [driver.node(f"preflight-fit:{number}").value for number in range(3)] == ["ok", "warn", "danger"]
    assert "1.3 GB weights + 0.1 GB cache for 4,096 tokens, of 9.8 GB free" in texts
    assert driver.node("preflight-install").name == "Install 2 of 3: llama3.2:1b qwen3:8b"


def test_a_sentence_about_memory_without_a_verdict_is_shown_as_it_is() -> None:
    view = quiet_view()
    view.preflight = ready_card()
    view.preflight.rows[0].fit_text = "What it needs cannot be told: its file says nothing about its layers."
    driver = Driver(view, (900, 1400))
    assert "What it needs cannot be told: its file says nothing about its layers." in driver.texts()
    assert not driver.has("preflight-fit:0")


def test_while_it_is_looked_at_a_bar_moves_and_the_buttons_stay_where_they_are() -> None:
    view = quiet_view()
    view.preflight = looking_card()
    driver = Driver(view, (900, 1400))
    assert driver.moves()
    assert driver.node("preflight-bar").role is Role.PROGRESS_BAR
    places = [driver.node(f"preflight-{which}").rect for which in ("dismiss", "install")]
    view.preflight = ready_card()
    driver.changed()
    assert not driver.moves()
    assert [driver.node(f"preflight-{which}").rect for which in ("dismiss", "install")] == places


def test_of_many_rows_the_problems_and_the_first_are_shown() -> None:
    view = quiet_view()
    view.preflight = long_card()
    driver = Driver(view, (900, 2600), reduced_motion=True)

    def shown() -> list[str]:
        rows = driver.panel.scene().with_role(Role.LIST_ITEM)
        return [row.name.rpartition(" ")[2] for row in rows if row.id.startswith("preflight-row:")]

    assert shown() == ["node-01", "node-02", "node-08", "node-10"]
    driver.activate("preflight-more")
    assert len(shown()) == 12
    driver.activate("preflight-more")
    assert len(shown()) == 4


def test_a_card_that_somebody_else_asked_for_is_shown_and_can_be_agreed_to() -> None:
    view = quiet_view()
    view.preflight = ready_card()
    driver = Driver(view, reduced_motion=True)
    driver.activate("preflight-context:8192")
    driver.activate("preflight-install")
    assert driver.take_intents() == [PreflightRequested(NAME, [], 8192), *AGREED]


def test_the_card_comes_into_sight() -> None:
    driver = Driver(quiet_view(), (900, 480))
    driver.view.completions = []
    driver.tab_to("install")
    driver.type(NAME)
    driver.key(pygame.K_RETURN)
    driver.view.preflight = ready_card()
    driver.changed()
    driver.run(1.0)
    assert driver.node("preflight-install").visible


# ---- context and place


def test_another_context_is_asked_about_and_stays_asked_about() -> None:
    driver = answered()
    assert [driver.node(f"preflight-context:{tokens}").value for tokens in CONTEXTS[:2]] == ["chosen", ""]
    driver.activate("preflight-context:16384")
    driver.activate("preflight-context:4096")  # the one that the sums are for
    assert driver.take_intents() == [PreflightRequested(NAME, [], 16384)]
    driver.view.preflight = ready_card()
    driver.view.preflight.context_length = 16384
    driver.changed()
    assert driver.node("preflight-context:16384").value == "chosen"


def test_enter_on_the_chosen_context_agrees_and_space_does_not() -> None:
    driver = answered()
    driver.tab_to("preflight-context:4096")
    driver.key(pygame.K_SPACE)
    assert driver.take_intents() == []
    driver.key(pygame.K_RETURN)
    assert driver.take_intents() == AGREED


def test_another_place_is_asked_about_at_once() -> None:
    driver = answered(few_hosts_view())
    driver.activate("install-on:team")
    assert driver.take_intents() == [PreflightRequested(NAME, ["team"])]
    driver.view.preflight = ready_card(hosts=["http://team"])
    driver.changed()
    driver.tab_to("install")
    driver.key(pygame.K_RETURN)
    assert driver.take_intents() == [InstallRequested(NAME, ["http://team"])]


def test_without_a_card_another_place_asks_nothing() -> None:
    driver = Driver(few_hosts_view(), reduced_motion=True)
    driver.activate("install-on:team")
    assert driver.take_intents() == []


def test_with_several_hosts_each_row_says_which_it_is_about() -> None:
    driver = Driver(installing_hosts_view(), (900, 2400))
    rows = [driver.node(f"preflight-row:{number}") for number in range(3)]
    assert [row.name.rpartition(" on ")[2] for row in rows] == ["here", "team", "laptop"]
    assert all(any(node.name.startswith("on ") for node in row.children) for row in rows)


def test_the_keyboard_goes_from_the_field_through_the_card() -> None:
    driver = answered()
    order = []
    for _ in range(9):
        driver.key(pygame.K_TAB)
        order.append(driver.focused())
    contexts = [f"preflight-context:{tokens}" for tokens in CONTEXTS]
    assert order == ["install-button", *contexts, "preflight-dismiss", "preflight-tonight", "preflight-install"]
