"""``ecs-localai`` with a display: the window opens, and a signal closes it."""

from __future__ import annotations

import signal

import numpy as np
import pytest

from tests.cli.cli_parts import Cli
from tests.rig.display import Xvfb
from tests.rig.odd_servers import closed_port
from tests.rig.waiting import wait_until

pytestmark = pytest.mark.window


@pytest.mark.parametrize(
    ("arguments", "number"), [(("--theme", "dark"), signal.SIGINT), (("run", "--theme", "light"), signal.SIGTERM)]
)
def test_the_window_opens_and_a_signal_closes_it(
    cli: Cli, xvfb: Xvfb, arguments: tuple[str, ...], number: signal.Signals
) -> None:
    background = (0x1C, 0x1C, 0x1E) if "dark" in arguments else (0xF5, 0xF5, 0xF7)

    def shown() -> int:
        return int(np.all(xvfb.screenshot() == background, axis=-1).sum())

    host = ("--host", f"127.0.0.1:{closed_port()}")
    with cli.start(*arguments, "--scale", "1", *host, env=xvfb.environment) as running:
        wait_until(lambda: shown() > 100_000, 30.0, lambda: f"the panel on the screen\n{running.out}{running.err}")
        ended = running.interrupt(number)
    assert (ended.code, ended.out, ended.err) == (0, "", "")
