"""The browsers that may talk to us: who they are in the data folder, their keys where the platform keeps secrets."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ecs_localai.components.browser import BrowserType, PairedBrowser
from ecs_localai.components.codec import DecodeError, decode
from ecs_localai.components.secret_source import SecretPlace, SecretSource
from ecs_localai.components.time_values import utc_now
from ecs_localai.systems.host_secrets import in_own_thread
from ecs_localai.systems.persistence import SavedState

KEY_FOLDER = "browser-keys"
"""Beside the file, for keys that no keyring takes: readable by their owner alone."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class PairedBrowsers:
    """The paired browsers. A resource; what takes time is a coroutine, for the background.

    A key goes into the system's keyring. Where there is none it goes into a file of its own that other users cannot
    read: that is then as well as the platform protects it.
    """

    def __init__(self, saved: SavedState) -> None:
        self._saved = saved
        self._browsers = read_paired_browsers(saved.browsers)

    def follow(self, before: Mapping[str, object], now: Mapping[str, object]) -> None:
        """Another process has paired or forgotten browsers."""
        for browser_id in before.keys() - now.keys():
            self._browsers.pop(browser_id, None)
        self._browsers.update(read_paired_browsers({key: row for key, row in now.items() if before.get(key) != row}))

    def all(self) -> list[PairedBrowser]:
        """All of them, in the order of their pairing."""
        return sorted(self._browsers.values(), key=lambda one: one.paired_at)

    def find(self, browser_id: str) -> PairedBrowser | None:
        """The one of this id; None where it is not paired (any more)."""
        return self._browsers.get(browser_id)

    async def pair(self, browser_id: str, browser_type: BrowserType, origin: str, key: bytes) -> PairedBrowser:
        """Keep a browser and the key that was agreed upon with it.

        Raises:
            ValueError: the id is made of other characters than letters, digits, ``-`` and ``_``, or the key is empty.
            OSError: neither a keyring nor the disk takes the key.
        """
        if not _ID.fullmatch(browser_id):
            raise ValueError("A browser's id has 1 to 64 letters, digits, hyphens and underscores.")
        if not key:
            raise ValueError("A browser's key cannot be empty.")
        source = await in_own_thread(lambda: self._keep_key(browser_id, key.hex()))
        browser = PairedBrowser(browser_id, browser_type, origin, source, utc_now())
        self._browsers[browser_id] = browser
        self._saved.set_browser(browser)
        return browser

    async def key_of(self, browser: PairedBrowser) -> bytes:
        """The key of a paired browser.

        Raises:
            SecretUnavailable: it is not where it was kept, or cannot be read; with a sentence.
        """
        from ecs_localai.ollama.secrets import SecretUnavailable, resolve

        text = await in_own_thread(lambda: resolve(browser.key))
        try:
            return bytes.fromhex(text)
        except ValueError:
            raise SecretUnavailable("The browser's key is damaged; pair the browser again.", browser.key) from None

    async def forget(self, browser_id: str) -> bool:
        """Take a browser off the list, and its key from where it is; False where it was not paired.

        Raises:
            SecretUnavailable: the key could not be deleted; the browser is not paired any more all the same.
        """
        browser = self._browsers.pop(browser_id, None)
        if browser is None:
            return False
        self._saved.remove_browser(browser_id)
        await in_own_thread(lambda: forget_key(browser.key))
        return True

    def seen(self, browser_id: str) -> None:
        """It has connected just now."""
        browser = self._browsers.get(browser_id)
        if browser is not None:
            self._browsers[browser_id] = browser = msgspec.structs.replace(browser, last_seen=utc_now())
            self._saved.set_browser(browser)

    def _keep_key(self, browser_id: str, key: str) -> SecretSource:
        from ecs_localai.ollama.secrets import SecretUnavailable, store_in_keyring

        entry = f"browser {browser_id}"
        try:
            store_in_keyring(entry, key)
        except SecretUnavailable:
            if self._saved.file is None:
                raise
            return _keep_in_file(self._saved.file.with_name(KEY_FOLDER) / browser_id, key)
        return SecretSource(SecretPlace.KEYRING, entry)


def read_paired_browsers(rows: Mapping[str, object]) -> dict[str, PairedBrowser]:
    """What a store's rows say; a browser that makes no sense has to be paired again."""
    browsers = {}
    for browser_id, row in rows.items():
        try:
            browsers[browser_id] = decode(msgspec.json.encode(row), PairedBrowser)
        except DecodeError:
            continue
    return browsers


def forget_key(source: SecretSource) -> None:
    """Delete a browser's key from where it is kept. Blocks. Raises `SecretUnavailable`, `OSError`."""
    from ecs_localai.ollama.secrets import forget_in_keyring

    if source.place is SecretPlace.KEYRING:
        forget_in_keyring(source.name)
    else:
        Path(source.name).unlink(missing_ok=True)


def _keep_in_file(file: Path, key: str) -> SecretSource:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as opened:
        opened.write(key + "\n")
        opened.flush()
        os.fsync(opened.fileno())
    return SecretSource(SecretPlace.FILE, str(file))
