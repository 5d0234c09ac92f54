"""A close that is given up while it waits for what runs leaves no session behind."""

from __future__ import annotations

import asyncio
import gc
import warnings

import pytest

from ecs_localai.ollama import OllamaClient
from ecs_localai.ollama.errors import OllamaError
from tests.rig.odd_servers import Silent
from tests.rig.waiting import wait_until_async


@pytest.mark.parametrize("again", [False, True], ids=["once", "and again"])
async def test_a_close_that_is_given_up_leaves_nothing_open(again: bool) -> None:
    with Silent() as server, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ResourceWarning)
        client = OllamaClient(server.base_url, timeout=60)
        call = asyncio.create_task(client.tags())
        await wait_until_async(lambda: server.requests)
        closing = asyncio.create_task(client.aclose())
        await asyncio.sleep(0)  # it has begun, and waits for the call
        closing.cancel()
        await asyncio.wait({closing})
        if again:
            await client.aclose()
        with pytest.raises(OllamaError):
            await call
        del client, call, closing
        gc.collect()
        assert [str(one.message) for one in told] == []
