"""`kill -9` in the middle of a write storm loses nothing that was acknowledged, and cuts between changes only."""

import random
import sys
import time
from pathlib import Path

import pytest

from ecs_localai.store import Store
from tests.store.store_parts import rows, start_child

ROUNDS = 12


def kill_in_a_storm(folder: Path, step: int, after: float) -> int:
    """Lets a child write, kills it after so many seconds; the last number that it knew to be saved."""
    child = start_child("storm", str(folder), str(step))
    stdin, stdout = child.stdin, child.stdout
    if stdin is None or stdout is None:
        pytest.fail("the child has no pipes")
    with child, stdin, stdout:
        assert stdout.readline() == "open\n"
        time.sleep(after)  # a random moment is what this is about
        child.kill()
        acknowledged = [int(line) for line in stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    assert child.returncode == (1 if sys.platform == "win32" else -9)
    return acknowledged[-1] if acknowledged else 0


# Steps: an acknowledged flush every 20 rounds; hardly any, so that the writer commits in its own time.
@pytest.mark.parametrize("step", [20, 5000])
def test_a_killed_process_loses_nothing_that_was_acknowledged(step: int, tmp_path: Path) -> None:
    chance = random.Random(step)
    for _ in range(ROUNDS):
        acknowledged = kill_in_a_storm(tmp_path, step, chance.uniform(0.0, 0.12))
        with Store.open(tmp_path) as store:
            assert store.notice is None
            assert not store.failures
            state = store.initial
        last = state.settings.get("last", 0)
        assert isinstance(last, int)
        assert last >= acknowledged
        # A round posts history, usage, flag and setting, in this order: at most the last round is cut.
        used = state.model_usage["model"].usage_count if state.model_usage else 0
        installed = rows(tmp_path, "SELECT installation_id FROM history ORDER BY seq")
        assert installed == [(f"id-{number}",) for number in range(1, len(installed) + 1)]
        assert last <= used <= len(installed) <= last + 1
        for number in range(max(1, last - 5), last + 1):
            assert state.flags[f"flag-{number % 7}"] is (number % 2 == 0)
