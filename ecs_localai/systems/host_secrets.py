"""Reading and keeping the hosts' secrets in the background, where it may take as long as a person takes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from ecs_localai.components.hosts import OllamaAPIClient
    from ecs_localai.components.panel_intents import HostSecret

T = TypeVar("T")


async def headers_of(api: OllamaAPIClient) -> dict[str, str] | None:
    """The headers of a host's log-in, with the secret from where that is kept; None for a host without one.

    Raises:
        SecretUnavailable: the secret is not there, or cannot be read; with a sentence.
    """
    auth = api.authentication
    if auth is None:
        return None
    from ecs_localai.ollama.secrets import resolve_auth

    if not auth.needs_resolving:
        return resolve_auth(auth)
    return await in_own_thread(lambda: resolve_auth(auth))


async def keep_secret(secret: HostSecret) -> str | None:
    """Put a secret that was typed into the system's keyring; returns a sentence where that is not safe.

    Raises:
        SecretUnavailable: the keyring does not take it; with a sentence.
    """
    from ecs_localai.ollama.secrets import store_in_keyring, warning_about_keyring

    def keep() -> str | None:
        store_in_keyring(secret.entry, secret.value)
        return warning_about_keyring()

    return await in_own_thread(keep)


async def forget_secret(entry: str) -> None:
    """Take an entry out of the system's keyring; one that is not there is none.

    Raises:
        SecretUnavailable: the keyring cannot be used; with a sentence.
    """
    from ecs_localai.ollama.secrets import forget_in_keyring

    await in_own_thread(lambda: forget_in_keyring(entry))


async def in_own_thread(call: Callable[[], T]) -> T:
    """Call something that blocks, perhaps for minutes, because a keyring asks the person first.

    Not in the loop's own few threads: there, host names are looked up, and fifty hosts whose keyring is locked would
    keep all others waiting. The app's end does not wait for the thread either.
    """
    import asyncio  # in the background: a first frame need not wait for it

    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def deliver(result: Callable[[], None]) -> None:
        def put() -> None:
            if not done.done():  # nobody may wait for it any more
                result()

        try:
            loop.call_soon_threadsafe(put)
        except RuntimeError:
            return  # the app has ended, and its loop with it

    def run() -> None:
        try:
            value = call()
        except Exception as error:  # noqa: BLE001 - raised again where it is waited for
            failure = error
            deliver(lambda: done.set_exception(failure))
        else:
            deliver(lambda: done.set_result(value))

    threading.Thread(target=run, name="host-secret", daemon=True).start()
    return await done
