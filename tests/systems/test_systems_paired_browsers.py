"""Paired browsers are there at the next start; their keys are in the keyring, or in a file only the owner reads."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring
from keyrings.alt.file import PlaintextKeyring  # type: ignore[import-untyped]  # it has no annotations

from ecs_localai import BrowserType, SecretPlace
from ecs_localai.ollama.secrets import SecretUnavailable
from ecs_localai.store import Store, Table
from ecs_localai.store.opening import FILE_NAME
from ecs_localai.systems.paired_browsers import KEY_FOLDER, PairedBrowsers
from ecs_localai.systems.persistence import SavedState

KEY = bytes(range(7, 39))
ORIGIN = "chrome-extension://abcdefghijklmnop"


@pytest.fixture
def file_keyring() -> Iterator[None]:
    """A real keyring for this process: one in a file."""
    before = keyring.get_keyring()
    keyring.set_keyring(PlaintextKeyring())
    try:
        yield
    finally:
        keyring.set_keyring(before)


@pytest.fixture
def no_keyring() -> Iterator[None]:
    """A machine without one: what the package keyring itself takes there."""
    before = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())  # type: ignore[no-untyped-call]  # keyring annotates its backends in part
    try:
        yield
    finally:
        keyring.set_keyring(before)


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.mark.usefixtures("file_keyring")
async def test_the_key_is_in_the_keyring_and_nowhere_else(tmp_path: Path) -> None:
    saved = SavedState(tmp_path)
    browsers = PairedBrowsers(saved)
    paired = await browsers.pair("b-1", BrowserType.FIREFOX, ORIGIN, KEY)
    browsers.seen("b-1")
    assert saved.close()
    assert paired.key.place is SecretPlace.KEYRING
    assert KEY.hex().encode() not in everything_in(tmp_path)
    assert KEY not in everything_in(tmp_path)
    saved = SavedState(tmp_path)
    browsers = PairedBrowsers(saved)
    (found,) = browsers.all()
    assert found.last_seen is not None
    assert (found.browser_id, found.browser_type, found.origin) == ("b-1", BrowserType.FIREFOX, ORIGIN)
    assert await browsers.key_of(found) == KEY
    assert await browsers.forget("b-1")
    assert not await browsers.forget("b-1")
    with pytest.raises(SecretUnavailable):
        await browsers.key_of(found)
    assert saved.close()
    with Store.open(tmp_path) as store:
        assert store.initial.browsers == {}


@pytest.mark.usefixtures("no_keyring")
async def test_without_a_keyring_the_key_is_in_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    saved = SavedState(tmp_path)
    browsers = PairedBrowsers(saved)
    paired = await browsers.pair("b-1", BrowserType.other("Vivaldi"), ORIGIN, KEY)
    assert paired.key.place is SecretPlace.FILE
    file = tmp_path / KEY_FOLDER / "b-1"
    if sys.platform != "win32":
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.parent.stat().st_mode & 0o777 == 0o700
    assert await browsers.key_of(paired) == KEY
    assert saved.close()
    assert KEY.hex().encode() not in (tmp_path / FILE_NAME).read_bytes()
    saved = SavedState(tmp_path)
    browsers = PairedBrowsers(saved)
    assert await browsers.key_of(browsers.all()[0]) == KEY
    assert await browsers.forget("b-1")
    assert not file.exists()
    assert saved.close()


@pytest.mark.parametrize("browser_id", ["", "../up", "a b", "x" * 65])
async def test_an_id_that_could_be_a_path_is_refused(browser_id: str, tmp_path: Path) -> None:
    saved = SavedState(tmp_path)
    with pytest.raises(ValueError, match="letters, digits"):
        await PairedBrowsers(saved).pair(browser_id, BrowserType.EDGE, ORIGIN, KEY)
    assert saved.close()


@pytest.mark.usefixtures("no_keyring")
async def test_without_a_data_folder_and_a_keyring_there_is_no_place_for_a_key() -> None:
    saved = SavedState(None)
    browsers = PairedBrowsers(saved)
    with pytest.raises(SecretUnavailable):
        await browsers.pair("b-1", BrowserType.ARC, ORIGIN, KEY)
    assert browsers.all() == []


async def test_a_row_that_makes_no_sense_is_a_browser_to_be_paired_again(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.put(Table.BROWSERS, "b-1", {"browser_id": 7})
    saved = SavedState(tmp_path)
    assert PairedBrowsers(saved).all() == []
    assert saved.close()
