"""After each test of the client no socket, thread or task of it may be left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.rig.leaks import holdings, new_since
from tests.rig.waiting import wait_until


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Compares what the process holds before and after.

    The rig's processes, and what Ollama keeps open to the rig's file server, are not the client's.
    """
    for shared in ("ollama_server", "shared_registry", "registry", "fresh_ollama"):
        if shared in request.fixturenames:
            request.getfixturevalue(shared)
    files = request.getfixturevalue("shared_registry").files.port if "shared_registry" in request.fixturenames else 0
    before = holdings()
    yield

    def left() -> list[str]:
        theirs = ("process ", f" from 127.0.0.1:{files} ")
        return [text for text in new_since(before) if not any(part in text for part in theirs)]

    wait_until(lambda: not left(), 20, lambda: f"these to be gone: {left()}")
