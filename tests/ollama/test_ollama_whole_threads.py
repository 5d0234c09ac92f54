"""A caller who is cancelled while a thread works for it leaves nothing open."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from ecs_localai.ollama.file_digest import digest_with_progress
from ecs_localai.ollama.whole_threads import to_whole_thread
from tests.rig.leaks import assert_nothing_new, holdings

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in its folders")


async def writer_of(pipe: Path) -> int:
    """The pipe's other end; there is none before somebody opens it for reading."""
    async with asyncio.timeout(60):
        while True:
            try:
                return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                await asyncio.sleep(0.001)


def test_a_file_that_is_being_opened_when_its_reader_is_cancelled_is_closed(tmp_path: Path) -> None:
    pipe = tmp_path / "slow.gguf"
    os.mkfifo(pipe)

    async def give_up() -> None:
        counting = asyncio.create_task(digest_with_progress(pipe, lambda _: None))
        for _ in range(4):  # turns of the loop: the thread has been asked for then
            await asyncio.sleep(0)
        for _ in range(3):
            counting.cancel()
            await asyncio.sleep(0)
        assert not counting.done(), "it has left its thread alone"
        os.close(await writer_of(pipe))
        with pytest.raises(asyncio.CancelledError):
            await counting

    before = holdings()
    asyncio.run(give_up())
    assert_nothing_new(before)


async def test_what_the_function_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        await to_whole_thread(lambda: 1 // 0)
