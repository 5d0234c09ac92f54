"""Waiting has a deadline that says what it waited for, and leaks are named."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.rig.leaks import assert_nothing_new, holdings, new_since
from tests.rig.waiting import DeadlinePassed, run_frames_until, wait_until, wait_until_async


class Counter:
    """Something with frames."""

    def __init__(self) -> None:
        self.frames = 0

    def update(self, dt: float | None = None) -> object:
        self.frames += 1
        return None


def test_waiting_returns_what_came_true() -> None:
    counter = Counter()
    assert run_frames_until(counter, lambda: counter.frames >= 5 and f"frame {counter.frames}") == "frame 5"
    assert wait_until(lambda: [1]) == [1]


def test_waiting_in_vain_says_for_what() -> None:
    with pytest.raises(DeadlinePassed, match=r"waited 0\.05 s in vain for: the moon"):
        wait_until(lambda: False, 0.05, "the moon")
    with pytest.raises(DeadlinePassed, match=rf"{Path(__file__).name}:\d+ \(\d+ frames were run\)"):
        run_frames_until(Counter(), lambda: False, 0.05)


async def test_waiting_lets_the_event_loop_run() -> None:
    import asyncio

    done = asyncio.Event()
    asyncio.get_running_loop().call_later(0.02, done.set)
    assert await wait_until_async(done.is_set)
    with pytest.raises(DeadlinePassed, match="never"):
        await wait_until_async(lambda: False, 0.02, "never")


def test_leaks_of_every_kind_are_named_and_then_gone() -> None:
    before = holdings()
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait, name="left-behind")
    thread.start()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    listener = socket.create_server(("127.0.0.1", 0))
    try:
        found = "\n".join(new_since(before))
        assert "thread left-behind" in found
        assert f"process {child.pid}" in found
        assert f":{listener.getsockname()[1]} LISTEN" in found
        with pytest.raises(AssertionError, match=r"left behind after 0\.05 s: .*left-behind"):
            assert_nothing_new(before, 0.05)
    finally:
        stop.set()
        thread.join()
        child.communicate()
        listener.close()
    assert_nothing_new(before)


def test_the_tests_have_a_home_of_their_own() -> None:
    home = Path(os.environ["HOME"])
    assert home.name.startswith("ecs-localai-tests-home-")
    assert Path(os.environ["XDG_DATA_HOME"]).is_relative_to(home)
    assert not {"OLLAMA_HOST", "DISPLAY", "WAYLAND_DISPLAY", "http_proxy"} & set(os.environ)
