"""A program that ends without `App.shutdown` ends all the same: our threads hold nobody up."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import signal
from ecs_localai import App, LocalModelManager, LocalModelsPlugin, OllamaConfiguration, ScheduleRunner

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it otherwise
app = App()
app.add_plugins(LocalModelsPlugin(OllamaConfiguration(port=9)))
frame = ScheduleRunner(hz=60, frames=1)
while not app.world.resource(LocalModelManager).resource_monitor.memory_usage:  # until the first sample is there
    frame(app)
print("measured", flush=True)
"""
ENDINGS = {
    "it just ends": "",
    "it fails": "raise ValueError('the program has a mistake')",
    "it is interrupted": "while True: frame(app)",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_program_that_forgets_to_shut_down_ends(ending: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM + ENDINGS[ending]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        try:
            assert program.stdout is not None
            assert program.stdout.readline() == "measured\n"
            if ending == "it is interrupted":
                program.send_signal(signal.SIGINT)
            program.wait(20)
        finally:
            program.kill()
    assert program.returncode == {"it just ends": 0, "it fails": 1}.get(ending, -signal.SIGINT)
