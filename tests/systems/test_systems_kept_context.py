"""What was read from browsers is kept as its person chose: not at all, for some time, or until it is forgotten."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from ecs_localai.components.browser import (
    BrowserExtensionManager,
    ContentType,
    ContextRetentionPolicy,
    ExtensionPrivacySettings,
    TabContext,
)
from ecs_localai.components.features import ExperimentalFeaturesManager
from ecs_localai.components.time_values import utc_now
from ecs_localai.store import Table
from ecs_localai.systems.persistence import SavedState
from ecs_localai.systems.preferences import Preferences
from tests.store.forgetting_parts import pieces, random_text
from tests.store.store_parts import rows, wait_until

SESSION = ContextRetentionPolicy.SESSION_ONLY
MANUAL = ContextRetentionPolicy.MANUAL
HOURS = ContextRetentionPolicy.hours
DAYS = ContextRetentionPolicy.days
HOUR = timedelta(hours=1)


class Reader:
    """Reads pages, each with a text of its own, so long ago."""

    def __init__(self, saved: SavedState) -> None:
        self.saved = saved
        self.texts: dict[str, str] = {}
        self._chance = random.Random(0)

    def read(self, key: str, policy: ContextRetentionPolicy, ago: timedelta = timedelta(0)) -> None:
        text = self.texts[key] = random_text(self._chance, (200, 9_000))
        page = TabContext(f"https://{key}.test", key, ContentType.ARTICLE, text, {}, utc_now() - ago)
        self.saved.add_context(key, page, policy)


def kept(folder: Path) -> set[str]:
    return {str(key) for (key,) in rows(folder, "SELECT key FROM browser_context")}


def preferences(saved: SavedState) -> Preferences:
    return Preferences(saved, ExperimentalFeaturesManager(), BrowserExtensionManager())


@pytest.fixture
def saved(tmp_path: Path) -> Iterator[SavedState]:
    state = SavedState(tmp_path)
    yield state
    state.close()


def check(folder: Path, reader: Reader, alive: set[str]) -> None:
    """Exactly these are there, whole, and of the others not a byte."""
    assert reader.saved.close()
    assert kept(folder) == alive
    for key in alive:
        [(text,)] = rows(
            folder,
            f"SELECT json_extract(value, '$.context.extracted_text') FROM browser_context WHERE key = '{key}'",
        )
        assert text == reader.texts[key]
    assert not pieces(folder, [text for key, text in reader.texts.items() if key not in alive])


def test_what_is_for_this_session_only_never_reaches_the_disk(tmp_path: Path, saved: SavedState) -> None:
    reader = Reader(saved)
    for number in range(50):
        reader.read(f"session-{number}", SESSION)
    saved.set_setting("posted after them", 1)
    wait_until(lambda: rows(tmp_path, "SELECT count(*) FROM settings") == [(1,)], "what was posted later is there")
    assert not pieces(tmp_path, reader.texts.values())
    check(tmp_path, reader, set())


def test_hours_days_and_until_it_is_forgotten(tmp_path: Path, saved: SavedState) -> None:
    reader = Reader(saved)
    for key, policy, ago in (
        ("two of three hours", HOURS(3), 2 * HOUR),
        ("four of three hours", HOURS(3), 4 * HOUR),
        ("one of two days", DAYS(2), 24 * HOUR),
        ("three of two days", DAYS(2), 72 * HOUR),
        ("manual", MANUAL, 90_000 * HOUR),
    ):
        reader.read(key, policy, ago)
    check(tmp_path, reader, {"two of three hours", "one of two days", "manual"})


@pytest.mark.parametrize(
    ("policy", "alive"),
    [
        (SESSION, set()),
        (HOURS(2), {"young"}),
        (DAYS(2), {"young", "day"}),
        (DAYS(30), {"young", "day", "manual"}),
        (MANUAL, {"young", "day", "manual"}),
    ],
)
def test_a_choice_holds_for_what_is_there_already(
    tmp_path: Path, saved: SavedState, policy: ContextRetentionPolicy, alive: set[str]
) -> None:
    reader = Reader(saved)
    reader.read("young", MANUAL, HOUR)
    reader.read("day", DAYS(9), 24 * HOUR)
    reader.read("manual", MANUAL, 24 * 9 * HOUR)
    preferences(saved).set_privacy(ExtensionPrivacySettings(retention_policy=policy))
    check(tmp_path, reader, alive)


def test_the_choice_itself_is_kept(tmp_path: Path, saved: SavedState) -> None:
    chosen = ExtensionPrivacySettings(domain_whitelist=["example.test"], retention_policy=DAYS(4))
    preferences(saved).set_privacy(chosen)
    assert saved.close()
    again = SavedState(tmp_path)
    try:
        assert preferences(again).privacy == chosen
    finally:
        again.close()


def test_a_person_forgets_what_browsers_sent_and_nothing_else(tmp_path: Path, saved: SavedState) -> None:
    reader = Reader(saved)
    for number in range(20):
        reader.read(f"manual-{number}", MANUAL)
    saved.set_setting("other", 1)
    saved.forget(Table.CONTEXT)
    reader.read("afterwards", MANUAL)
    check(tmp_path, reader, {"afterwards"})
    assert rows(tmp_path, "SELECT key, value FROM settings") == [("other", "1")]


def test_a_person_forgets_everything(tmp_path: Path, saved: SavedState) -> None:
    reader = Reader(saved)
    for number in range(20):
        reader.read(f"manual-{number}", MANUAL)
    secret = random_text(random.Random(1), (400, 400))
    saved.set_setting("other", secret)
    saved.forget_everything()
    check(tmp_path, reader, set())
    assert not pieces(tmp_path, [secret])
    for table in Table:
        assert rows(tmp_path, f"SELECT count(*) FROM {table}") == [(0,)]


def test_a_page_that_is_read_again_takes_the_place_of_its_former_text(tmp_path: Path, saved: SavedState) -> None:
    reader = Reader(saved)
    reader.read("page", MANUAL)
    former = reader.texts["page"]
    wait_until(lambda: kept(tmp_path) == {"page"}, "it is kept")
    reader.read("page", MANUAL)
    check(tmp_path, reader, {"page"})
    assert not pieces(tmp_path, [former])
