"""``ecs-localai pause`` and ``resume``: one program stops and continues what another one is at work on."""

from __future__ import annotations

import signal

import pytest

from tests.cli.cli_parts import Cli, Ended, Running
from tests.cli.queue_cli_parts import WAIT, bytes_of, put_off, queue_of, slow_install
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.rig.waiting import wait_until

pytestmark = [pytest.mark.ollama, pytest.mark.registry]


def events_of(command: Running | Ended) -> list[object]:
    """What happened, without the progress."""
    kinds = [one["event"] for one in command.objects]
    return [kind for kind in kinds if kind not in ("ModelInstallationProgress", "Preflight")]


def paused_at_work(cli: Cli, beyond: float) -> tuple[Ended, Ended]:
    """Pause all that ``queue --run`` is at work on once so many bytes are there; what both came to."""
    with cli.start("queue", "--run", "--json") as running:
        wait_until(lambda: bytes_of(running) > beyond, WAIT, lambda: f"progress in {running.out}{running.err}")
        return cli.run("pause"), running.end(WAIT)


def test_an_install_in_another_terminal_is_paused_and_goes_on(
    cli: Cli, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    name = registry.name_for("middle:latest")
    with slow_install(cli, fresh_ollama, registry) as running:
        paused = cli.run("pause")
        assert (paused.code, paused.err) == (0, "")
        assert paused.out.startswith(f"{name} is paused at ")
        assert paused.out.endswith(" % of 11 MB. To go on: ecs-localai resume\n")
        wait_until(lambda: registry.files.open_transfers == 0, WAIT, "the server to stop downloading")
        assert running.process.poll() is None  # it waits
        assert events_of(running)[-1] == "ModelInstallationPaused"
        (told,) = queue_of(cli)
        assert (told["state"], told["paused"], told["pid"]) == ("Paused", True, running.process.pid)
        assert cli.run("pause", name).out == f"{name} is paused already.\n"
        assert cli.run("pause").out == "All that is in the queue is paused already.\n"

        there = bytes_of(running)
        registry.files.clear()
        registry.files.reset_counts()
        resumed = cli.run("resume", name)
        assert (resumed.code, resumed.err) == (0, "")
        assert resumed.out.startswith(f"{name} ")
        ended = running.end(WAIT)
    assert (ended.code, ended.err) == (0, "")
    assert events_of(ended)[-2:] == ["ModelInstallationResumed", "ModelInstallationCompleted"]
    assert fresh_ollama.model_names() == [name]
    assert registry.files.bytes_served < 12_000_000 - there / 2  # from what had arrived, not anew
    assert cli.run("resume").out.startswith("Nothing is in the queue.")


def test_people_see_that_it_is_paused(cli: Cli, fresh_ollama: OllamaServer, registry: Registry) -> None:
    registry.files.throttle(1_000_000)
    name = registry.name_for("middle:latest")
    with cli.start("install", name, "--insecure", "--host", fresh_ollama.host_port) as running:
        wait_until(lambda: "11 MB · " in running.out, WAIT, lambda: f"progress in {running.out}{running.err}")
        assert cli.run("pause", name).code == 0
        wait_until(lambda: "is paused" in running.out, WAIT, lambda: f"the pause in {running.out}{running.err}")
        stopped = running.interrupt(signal.SIGINT)
    assert f"{name} is paused. To go on: ecs-localai resume" in stopped.lines
    assert stopped.error == (
        f"Stopped before {name} was complete; run the same command again to continue from what has arrived."
    )
    assert queue_of(cli) == []


def test_of_two_installs_one_is_paused(cli: Cli, fresh_ollama: OllamaServer, registry: Registry) -> None:
    registry.files.throttle(1_000_000)
    middle, large = registry.name_for("middle:latest"), registry.name_for("smollm2:135m")
    arguments = ("install", middle, large, "--insecure", "--json", "--host", fresh_ollama.host_port)
    with cli.start(*arguments) as running:
        wait_until(
            lambda: (
                {one["model_name"] for one in running.objects if one["event"] == "ModelInstallationProgress"}
                == {middle, large}
            ),
            WAIT,
            lambda: f"progress of both in {running.out}{running.err}",
        )
        paused = cli.run("pause", large, "--json")
        assert (paused.code, paused.err) == (0, "")
        (told,) = paused.objects
        assert (told["model_name"], told["state"], told["has_followed"]) == (large, "Paused", True)
        states = {str(one["model_name"]): one["state"] for one in queue_of(cli)}
        assert states == {middle: "Downloading", large: "Paused"}
        registry.files.clear()
        wait_until(lambda: fresh_ollama.model_names() == [middle], WAIT, "the other to be installed")
        assert cli.run("queue", "--cancel", large).code == 0
        ended = running.end(WAIT)
    assert ended.error.startswith(f"Stopped before {large} was complete;")


def test_without_a_program_it_is_kept_for_the_next(cli: Cli, fresh_ollama: OllamaServer, registry: Registry) -> None:
    tiny, middle = registry.name_for("tiny:latest"), registry.name_for("middle:latest")
    put_off(cli, fresh_ollama, tiny, middle)
    ended = cli.run("pause")
    assert (ended.code, ended.err) == (0, "")
    assert ended.lines == [f"{one} is paused. To go on: ecs-localai resume" for one in (tiny, middle)]
    assert [one["state"] for one in queue_of(cli)] == ["Paused", "Paused"]
    assert cli.run("queue").lines[-1] == "All that nobody sees to is paused. To have it go on: ecs-localai resume"
    ended = cli.run("resume", "--json")
    assert (ended.code, ended.err) == (0, "")
    assert [(one["model_name"], one["paused"], one["has_owner"]) for one in ended.objects] == [
        (tiny, False, False),
        (middle, False, False),
    ]
    assert all(one["not_before"] for one in queue_of(cli))  # none was named, so they still wait for their time
    assert cli.run("resume").out == "Nothing in the queue is paused.\n"
    ended = cli.run("resume", middle)
    assert ended.out == f"{middle} goes on when the panel starts, or here: ecs-localai queue --run\n"
    assert [one["not_before"] is None for one in queue_of(cli)] == [False, True]


def test_what_a_program_was_killed_at_is_paused_and_goes_on_elsewhere(
    cli: Cli, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    name = registry.name_for("middle:latest")
    with slow_install(cli, fresh_ollama, registry) as running:
        running.process.kill()
        running.process.wait()
    (told,) = queue_of(cli)
    assert (told["has_owner"], told["state"]) == (False, "Queued")
    assert cli.run("pause", name).out.startswith(f"{name} is paused")
    assert cli.run("queue", "--run").out.startswith("All that nobody sees to is paused.")
    registry.files.clear()
    assert cli.run("resume").code == 0
    ended = cli.run("queue", "--run", timeout=WAIT)
    assert (ended.code, ended.err) == (0, "")
    assert fresh_ollama.model_names() == [name]


def test_what_is_paused_last_is_kept_before_its_program_ends(
    cli: Cli, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    name = registry.name_for("middle:latest")
    put_off(cli, fresh_ollama, name)
    registry.files.throttle(1_000_000)
    there = 0.0
    for _ in range(2):  # it was a race
        assert cli.run("resume", name).code == 0
        paused, ended = paused_at_work(cli, there + 1e6)
        assert (ended.code, ended.err) == (0, "")
        assert events_of(ended)[-1] == "ModelInstallationPaused"
        assert (paused.code, paused.err) == (0, "")
        assert paused.out.startswith(f"{name} is paused at ")
        (told,) = queue_of(cli)
        assert (told["state"], told["has_owner"]) == ("Paused", False)
        before, there = there, float(str(told["bytes_done"]))
        assert there >= bytes_of(ended) > before


def test_two_programs_that_want_the_same_model_do_not_fetch_it_at_once(
    cli: Cli, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    name = registry.name_for("middle:latest")
    with slow_install(cli, fresh_ollama, registry) as first:
        with cli.start("install", name, "--insecure", "--host", fresh_ollama.host_port) as second:
            waits = f"{name}: waiting for another program, which is installing it."
            wait_until(lambda: waits in second.out, WAIT, lambda: f"the wait in {second.out}{second.err}")
            there = bytes_of(first)
            wait_until(lambda: bytes_of(first) > there + 6e6, WAIT, lambda: f"progress in {first.out}{first.err}")
            assert second.out.count(waits) == 1, "each look whether it may go on is told"
            registry.files.clear()
            assert first.end(WAIT).code == 0
            ended = second.end(WAIT)
        assert (ended.code, ended.err) == (0, "")
        assert ended.lines[-1].startswith(f"Installed {name} ")
    assert registry.files.bytes_served < 13_000_000  # once
    assert fresh_ollama.running
    assert fresh_ollama.model_names() == [name]
