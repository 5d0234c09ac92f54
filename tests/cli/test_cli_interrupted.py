"""Ctrl-C and SIGTERM outside the commands that run a world: one line, and exit code 1."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from tests.cli.cli_parts import Cli, Running, environment
from tests.rig.odd_servers import Silent
from tests.rig.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals for other processes")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_waits_for_an_answer(cli: Cli, number: signal.Signals) -> None:
    with Silent() as server, cli.start("list", "--host", f"127.0.0.1:{server.port}") as running:
        wait_until(lambda: bool(server.requests), 30.0, lambda: f"the question\n{running.err}")
        ended = running.interrupt(number)
    assert (ended.error, ended.out) == ("Interrupted.", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_while_it_is_still_importing(tmp_path: Path, number: signal.Signals) -> None:
    # Python tells on standard error what it has imported; the command's own imports come after main has begun.
    command = [sys.executable, "-X", "importtime", "-m", "ecs_localai", "run", "--headless", "--frames", "1"]
    with Running(command, environment(tmp_path), tmp_path) as running:
        wait_until(lambda: "typer" in running.err, 30.0, lambda: running.err)
        ended = running.interrupt(number)
    assert "Traceback" not in ended.err
    assert ended.code in (0, 1)
    if ended.code == 1:
        assert ended.err.endswith("Error: Interrupted.\n")
