"""The card before an installation, from what was found out to what a person reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from ecs_localai.components.installing_view import PreflightView
from ecs_localai.components.panel_intents import InstallRequested
from ecs_localai.components.preflight import Fit, MemoryNeed, MemoryVerdict, Preflight, Preflights
from ecs_localai.components.registry import RegistryLayer
from ecs_localai.components.tone import Tone
from ecs_localai.systems.view_preflight import contexts_up_to, installable, preflight_view, tonight_after

NOW = datetime(2026, 11, 7, 12, 0, tzinfo=UTC)
HERE = "http://127.0.0.1:11434"
THERE = "http://gpu-box:11434"
GB = 1_000_000_000


def a_preflight(name: str = "llama3.2:1b", host: str = HERE, **changes: object) -> Preflight:
    """Of a usual model."""
    usual = Preflight(
        name,
        host,
        layers=[RegistryLayer("sha256:" + "a" * 64, 1_300_000_000)],
        total_bytes=1_300_000_000,
        download_bytes=1_300_000_000,
        license="LLAMA 3.2 COMMUNITY LICENSE AGREEMENT",
        family="llama",
        parameter_size="1.2B",
        quantization="Q8_0",
        max_context_length=131_072,
        disk_free=212 * GB,
        need=MemoryNeed(1_300_000_000, 134_000_000),
        verdict=MemoryVerdict(Fit.FITS, "1.3 GB weights + 134 MB cache for 4,096 tokens, of 9.8 GB free"),
    )
    return msgspec.structs.replace(usual, **changes)


def a_look(*found: Preflight) -> Preflights:
    """A look that has ended."""
    return Preflights(list(dict.fromkeys(one.model_name for one in found)), done=list(found))


def order_of(*found: Preflight) -> list[tuple[str, str]]:
    """Of each its model and its host."""
    return [(one.model_name, one.host) for one in found]


def test_a_model_that_can_be_installed() -> None:
    one = a_preflight()
    card = preflight_view(a_look(one), order_of(one), {HERE: "here"}, NOW)
    assert card is not None
    (row,) = card.rows
    assert card.title == "Before installing llama3.2:1b"
    assert row.host == ""
    assert row.facts == "Llama · 1.2B parameters · Q8_0 · LLAMA 3.2 COMMUNITY LICENSE AGREEMENT"
    assert row.download_text == "1.3 GB to download"
    assert row.disk_text == "212 GB free on the models' disk"
    assert row.fit_text == "Fits: 1.3 GB weights + 134 MB cache for 4,096 tokens, of 9.8 GB free"
    assert row.fit_tone is Tone.OK
    assert card.contexts == [4096, 8192, 32768, 131_072]
    assert (card.context_length, card.total_text, card.install_label) == (4096, "", "Install")
    assert card.install == InstallRequested("llama3.2:1b", [HERE])
    assert card.tonight == InstallRequested("llama3.2:1b", [HERE], tonight_after(NOW))
    assert card.tonight_label == "Tonight at 01:00"


def test_nothing_is_offered_while_it_is_looked_at() -> None:
    one = a_preflight()
    looking = Preflights([one.model_name, "other:1"], done=[one], is_running=True)
    card = preflight_view(looking, [*order_of(one), ("other:1", HERE)], {HERE: "here", THERE: "gpu-box"}, NOW)
    assert card is not None
    assert [(row.is_looking, row.host) for row in card.rows] == [(False, "here"), (True, "here")]
    assert (card.install, card.tonight, card.is_running) == (None, None, True)
    assert preflight_view(Preflights(), [], {}, NOW) is None


def test_what_stands_in_the_way_leaves_the_rest() -> None:
    good, bad = a_preflight(), a_preflight("big:70b", problem="The disk is too small.")
    assert installable([good, bad]) == ([good.model_name], [HERE])
    assert installable([bad]) == ([], [])
    away = a_preflight(host=THERE, problem="It does not answer.")
    assert installable([good, away]) == ([good.model_name], [HERE])
    other_here, other_there = a_preflight("b:1"), a_preflight("b:1", THERE, problem="It needs a newer Ollama.")
    both = [a_preflight("a:1"), a_preflight("a:1", THERE), other_here, other_there]
    assert installable(both) == (["a:1"], [HERE, THERE])


def test_the_button_says_what_it_does() -> None:
    def label(*found: Preflight) -> str:
        card = preflight_view(a_look(*found), order_of(*found), {HERE: "here"}, NOW)
        assert card is not None
        return card.install_label

    assert label(a_preflight(is_current=True, replaces="It is there.")) == "Install again"
    assert label(a_preflight(was_current=True, replaces="It was there.", is_old=True)) == "Install again"
    assert label(a_preflight(replaces="It replaces one.")) == "Replace"
    assert label(a_preflight(replaces="Another one may be there.", layers=[])) == "Install"
    assert label(a_preflight(verdict=MemoryVerdict(Fit.WONT_RUN, "too large"))) == "Install anyway"
    assert label(a_preflight("a:1"), a_preflight("b:1")) == "Install 2 models"
    assert label(a_preflight("a:1"), a_preflight("b:1", problem="No.")) == "Install 1 model"


def test_what_is_current_is_left_alone_where_something_else_is_to_be_installed() -> None:
    def card_of(*found: Preflight) -> PreflightView:
        card = preflight_view(a_look(*found), order_of(*found), {HERE: "here", THERE: "gpu-box"}, NOW)
        assert card is not None
        return card

    current = a_preflight("a:1", is_current=True, replaces="It is there.")
    others = a_preflight("b:1"), a_preflight("c:1", problem="It is gone.")
    card = card_of(current, *others)
    assert (card.install, card.install_label) == (InstallRequested("b:1", [HERE]), "Install 1 model")

    elsewhere = a_preflight("a:1", THERE), a_preflight("b:1", THERE, was_current=True)
    card = card_of(current, others[0], *elsewhere)
    left = {"a:1": [HERE], "b:1": [THERE]}
    assert card.install == InstallRequested("a:1 b:1", [HERE, THERE], left_alone=left)
    assert card.tonight == InstallRequested("a:1 b:1", [HERE, THERE], tonight_after(NOW), left_alone=left)
    assert card.install_label == "Install 2 models"

    card = card_of(current, a_preflight("a:1", THERE))
    assert (card.install, card.install_label) == (InstallRequested("a:1", [THERE]), "Install")

    small = a_preflight("b:1", problem="The disk is too small.", lacks_only_room=True)
    card = card_of(current, small, *elsewhere)
    assert card.anyway == InstallRequested("a:1 b:1", [HERE, THERE], ignores_room=True, left_alone=left)

    card = card_of(current, a_preflight("b:1", is_current=True))
    assert (card.install, card.install_label) == (InstallRequested("a:1 b:1", [HERE]), "Install again")


def test_the_sum_of_several_may_be_too_much_for_the_disk() -> None:
    found = [a_preflight("a:1", disk_free=3 * GB), a_preflight("b:1", disk_free=3 * GB)]
    card = preflight_view(a_look(*found), order_of(*found), {HERE: "here"}, NOW)
    assert card is not None
    assert card.total_text == "2.6 GB to download in all, more than the models' disk has room for, with 3 GB free"
    ample = [a_preflight("a:1"), a_preflight("b:1")]
    card = preflight_view(a_look(*ample), order_of(*ample), {HERE: "here"}, NOW)
    assert card is not None
    assert card.total_text == "2.6 GB to download in all"


def test_what_is_remembered_says_how_old_it_is() -> None:
    old = a_preflight(fetched_at=NOW - timedelta(hours=3), is_old=True, notes=["The registry can't be reached."])
    card = preflight_view(a_look(old), order_of(old), {HERE: "here"}, NOW)
    assert card is not None
    assert card.rows[0].note == "The registry can't be reached. What it said 3 h ago is shown."


def test_what_is_remembered_is_said_to_be_asked_again_where_something_is_there() -> None:
    early = a_preflight(
        fetched_at=NOW - timedelta(minutes=3), was_current=True, replaces="It is what the registry had."
    )
    looking = Preflights([early.model_name], done=[early], is_running=True)
    card = preflight_view(looking, order_of(early), {HERE: "here"}, NOW)
    assert card is not None
    assert card.rows[0].replaces == "It is what the registry had; it is being asked again."
    assert (card.rows[0].note, card.install) == ("", None)


def test_what_lacks_only_room_can_be_installed_anyway() -> None:
    small = a_preflight("big:70b", problem="The disk is too small.", lacks_only_room=True)
    card = preflight_view(a_look(small), order_of(small), {HERE: "here"}, NOW)
    assert card is not None
    assert (card.install, card.tonight, card.tonight_label) == (None, None, "")
    assert card.anyway == InstallRequested("big:70b", [HERE], ignores_room=True)
    assert card.anyway_label == "Install anyway"
    assert card.rows[0].note.startswith("“Install anyway” begins it all the same; if the disk fills up, ")

    good, bad = a_preflight(), a_preflight("gone:1", problem="There is no such model.")
    card = preflight_view(a_look(good, small, bad), order_of(good, small, bad), {HERE: "here"}, NOW)
    assert card is not None
    assert card.install == InstallRequested(good.model_name, [HERE])
    assert card.anyway == InstallRequested(f"{good.model_name} big:70b", [HERE], ignores_room=True)
    assert card.anyway_label == "Install 2 anyway"
    assert [bool(row.note) for row in card.rows] == [False, True, False]

    there = a_preflight("big:70b", THERE)
    card = preflight_view(a_look(small, there), order_of(small, there), {HERE: "here", THERE: "box"}, NOW)
    assert card is not None
    assert card.install == InstallRequested("big:70b", [THERE])
    assert card.anyway == InstallRequested("big:70b", [HERE, THERE], ignores_room=True)
    assert card.anyway_label == "Install on 2 hosts anyway"


def test_anyway_is_offered_only_for_what_lacks_room_and_once_all_is_known() -> None:
    bad = a_preflight("gone:1", problem="There is no such model.")
    card = preflight_view(a_look(bad, a_preflight()), order_of(bad, a_preflight()), {HERE: "here"}, NOW)
    assert card is not None
    assert (card.anyway, card.anyway_label) == (None, "")
    small = a_preflight("big:70b", problem="The disk is too small.", lacks_only_room=True)
    looking = Preflights([small.model_name, "other:1"], done=[small], is_running=True)
    card = preflight_view(looking, [*order_of(small), ("other:1", HERE)], {HERE: "here"}, NOW)
    assert card is not None
    assert card.anyway is None


def test_what_is_not_known_is_said() -> None:
    one = a_preflight(download_bytes=None, disk_free=None, disk_reason="Its host is another computer.")
    card = preflight_view(a_look(one), order_of(one), {HERE: "here"}, NOW)
    assert card is not None
    assert card.rows[0].download_text == "1.3 GB; how much of it the host has is not known"
    assert card.rows[0].disk_text == "Its host is another computer."


@pytest.mark.parametrize(
    ("longest", "contexts"),
    [(0, []), (2048, []), (4096, []), (8192, [4096, 8192]), (40_960, [4096, 8192, 32_768, 40_960])],
)
def test_the_contexts_to_choose_from(longest: int, contexts: list[int]) -> None:
    assert contexts_up_to(longest) == contexts


@pytest.mark.parametrize("hour", [0, 1, 2, 12, 23])
def test_tonight_is_the_next_time_that_it_is_one_o_clock_here(hour: int) -> None:
    here = datetime(2026, 11, 7, hour, 30).astimezone()
    night = tonight_after(here)
    assert here < night <= here + timedelta(hours=26)
    assert (night.astimezone().hour, night.astimezone().minute) == (1, 0)
    assert night.astimezone().day == (7 if hour == 0 else 8)
