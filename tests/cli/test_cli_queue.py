"""``ecs-localai queue`` and installations for later: real programs that share one kept queue."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.cli_parts import Cli
from tests.cli.queue_cli_parts import WAIT, bytes_of, put_off, queue_of, slow_install
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.rig.waiting import wait_until

pytestmark = [pytest.mark.ollama, pytest.mark.registry]


def test_an_empty_queue_says_how_to_fill_it_and_keeps_nothing(cli: Cli) -> None:
    ended = cli.run("queue")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("Nothing is in the queue.")
    assert queue_of(cli) == []
    assert cli.run("queue", "--run").out == ended.out
    assert cli.run("pause").out == ended.out
    assert cli.run("resume").out == ended.out
    assert not list(cli.data_dir.iterdir())


def test_what_is_for_later_is_put_into_the_queue_at_once(
    cli: Cli, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    assert cli.run("hosts", "add", fresh_ollama.host_port, "--name", "box", "--default").code == 0
    name = registry.name_for("tiny:latest")
    ended = cli.run("install", name, "--insecure", "--tonight")
    assert (ended.code, ended.err) == (0, "")
    assert ended.lines[0].startswith(f"{name} · ")
    assert ended.lines[-1].startswith(f"In the queue: {name}, to begin ")
    assert " at 01:00. The panel does that" in ended.lines[-1]
    assert fresh_ollama.model_names() == []
    (told,) = queue_of(cli)
    assert (told["model_name"], told["host_name"], told["position"]) == (name, "box", 1)
    assert (told["state"], told["paused"], told["has_owner"]) == ("Queued", False, False)
    moment = datetime.fromisoformat(str(told["not_before"]))
    assert timedelta(0) < moment - datetime.now(UTC) <= timedelta(hours=25)
    assert moment.astimezone().strftime("%H:%M") == "01:00"
    shown = cli.run("queue").lines
    assert shown[0].split()[:5] == ["#", "MODEL", "ON", "STATE", "PROGRESS"]
    assert shown[1].split()[:3] == ["1", name, "box"]
    assert "begins t" in shown[1]
    assert "nobody" in shown[1]
    assert shown[-1].endswith("ecs-localai queue --run")


def test_a_host_that_the_panel_does_not_know_is_said(cli: Cli, fresh_ollama: OllamaServer, registry: Registry) -> None:
    name = registry.name_for("tiny:latest")
    ended = cli.run("install", name, "--insecure", "--tonight", "--json", "--host", fresh_ollama.host_port)
    assert ended.code == 0
    assert ended.err.startswith(f"Note: {fresh_ollama.base_url} is not in the list of hosts")
    before, queued = ended.objects
    assert [before["event"], queued["event"]] == ["Preflight", "Queued"]
    assert (queued["model_name"], queued["host"]) == (name, fresh_ollama.base_url)


def test_the_same_model_twice_is_one_row_with_the_later_wish(
    cli: Cli, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    name = registry.name_for("tiny:latest")
    put_off(cli, fresh_ollama, name)
    (before,) = queue_of(cli)
    ended = cli.run("install", name, "--insecure", "--at", "04:04", "--host", fresh_ollama.host_port)
    assert ended.code == 0
    (now,) = queue_of(cli)
    assert now["installation_id"] == before["installation_id"]
    assert datetime.fromisoformat(str(now["not_before"])).astimezone().strftime("%H:%M") == "04:04"


def test_what_was_put_off_begins_now_where_somebody_installs_it(
    cli: Cli, fresh_ollama: OllamaServer, ollama_server: OllamaServer, registry: Registry
) -> None:
    """On its host; what another host is to get stays for later."""
    name, other = registry.name_for("tiny:latest"), registry.name_for("middle:latest")
    put_off(cli, fresh_ollama, name, other)
    put_off(cli, ollama_server, name)
    first, *rest = queue_of(cli)
    ended = cli.run("install", name, "--insecure", "--json", "--host", fresh_ollama.host_port, timeout=WAIT)
    assert (ended.code, ended.err) == (0, "")
    done = [one for one in ended.objects if one["event"] == "ModelInstallationCompleted"]
    assert [one["installation_id"] for one in done] == [first["installation_id"]]
    assert [one["installation_id"] for one in queue_of(cli)] == [one["installation_id"] for one in rest]
    assert fresh_ollama.model_names() == [name]


def test_what_a_running_program_has_put_off_begins_now_where_somebody_installs_it(
    cli: Cli, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    assert cli.run("hosts", "add", fresh_ollama.host_port, "--name", "box", "--default").code == 0
    name = registry.name_for("tiny:latest")
    with cli.start("run", "--headless", "--json") as panel:
        panel.wait_for_event("OllamaConnectionStatusChanged", WAIT)
        put_off(cli, fresh_ollama, name)
        wait_until(lambda: queue_of(cli)[0]["pid"] == panel.process.pid, WAIT, "the program to see to it", poll=0.5)
        ended = cli.run("install", name, "--insecure", timeout=WAIT)
        assert (ended.code, ended.err) == (0, "")
        (said,) = [line for line in ended.lines if line.startswith(f"{name} was in the queue for ")]
        assert said.endswith("; it does not wait until then any more.")
        panel.wait_for_event("ModelInstallationCompleted", WAIT)
        wait_until(lambda: queue_of(cli) == [], WAIT, "the queue to be empty", poll=0.5)
        assert panel.interrupt().code == 0


def test_order_and_times_are_changed_and_rows_are_taken_out(
    cli: Cli, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    tiny, middle, large = (registry.name_for(one) for one in ("tiny:latest", "middle:latest", "smollm2:135m"))
    said = put_off(cli, fresh_ollama, tiny, middle, large)
    assert said.lines[-1].startswith(f"In the queue: {tiny}, {middle} and {large}, to begin ")
    assert [one["model_name"] for one in queue_of(cli)] == [tiny, middle, large]
    ended = cli.run("queue", "--move", large, "-1")
    assert (ended.code, ended.out) == (0, f"{large} is number 2 of 3 now.\n")
    assert [one["model_name"] for one in queue_of(cli)] == [tiny, large, middle]
    ended = cli.run("queue", "--at", "23:23", "1")
    assert ended.code == 0
    assert ended.out.startswith(f"{tiny} goes on t")
    first = queue_of(cli)[0]
    assert datetime.fromisoformat(str(first["not_before"])).astimezone().strftime("%H:%M") == "23:23"
    ended = cli.run("queue", "--cancel", str(first["installation_id"])[:8], "--cancel", middle, "--json")
    assert (ended.code, ended.err) == (0, "")
    assert [(one["model_name"], one["state"]) for one in ended.objects] == [(tiny, "Cancelled"), (middle, "Cancelled")]
    assert [one["model_name"] for one in queue_of(cli)] == [large]
    assert {one["outcome"] for one in cli.run("history", "--json").objects} == {"Cancelled"}


@pytest.mark.parametrize("arguments", [("queue", "--cancel"), ("pause",), ("resume",), ("queue", "--at", "10:00")])
def test_what_is_not_in_the_queue_is_said_with_what_is(
    cli: Cli, fresh_ollama: OllamaServer, registry: Registry, arguments: tuple[str, ...]
) -> None:
    name = registry.name_for("tiny:latest")
    put_off(cli, fresh_ollama, name)
    ended = cli.run(*arguments, "nosuch:1")
    assert ended.error == (
        "Nothing in the queue is called 'nosuch:1'; `ecs-localai queue` shows what is in it. "
        f"In it now: 1 {name}."
    )  # fmt: skip


def test_what_begins_later_still_does_after_a_pause(cli: Cli, fresh_ollama: OllamaServer, registry: Registry) -> None:
    name = registry.name_for("tiny:latest")
    put_off(cli, fresh_ollama, name)
    assert cli.run("pause").code == 0
    ended = cli.run("resume")
    assert ended.out.startswith(f"{name} begins t")  # today or tomorrow
    assert ended.out.endswith(" at 03:03 if the panel runs then, or this: ecs-localai queue --run\n")
    (there,) = queue_of(cli)
    assert there["not_before"] is not None


def test_the_queue_is_worked_off_until_only_what_is_paused_is_left(
    cli: Cli, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    tiny, middle = registry.name_for("tiny:latest"), registry.name_for("middle:latest")
    put_off(cli, fresh_ollama, tiny, middle)
    assert cli.run("pause", middle).code == 0
    ended = cli.run("resume", tiny)  # it waits for no time any more
    assert (ended.code, ended.out) == (0, f"{tiny} goes on when the panel starts, or here: ecs-localai queue --run\n")
    ended = cli.run("queue", "--run", timeout=WAIT)
    assert (ended.code, ended.err) == (0, "")
    assert ended.lines[-1].startswith(f"Installed {tiny} ")
    assert "waiting for its host" not in ended.out  # which has not been asked at first, and is there
    assert fresh_ollama.model_names() == [tiny]
    assert [(one["model_name"], one["state"]) for one in queue_of(cli)] == [(middle, "Paused")]
    assert cli.run("queue").lines[-1] == "All that nobody sees to is paused. To have it go on: ecs-localai resume"
    ended = cli.run("queue", "--run")
    assert (ended.code, ended.out) == (
        0,
        "All that nobody sees to is paused. To have it go on: ecs-localai resume\n",
    )


def test_ctrl_c_leaves_the_rest_in_the_queue(cli: Cli, fresh_ollama: OllamaServer, registry: Registry) -> None:
    middle, tiny = registry.name_for("middle:latest"), registry.name_for("tiny:latest")
    put_off(cli, fresh_ollama, middle, tiny)
    assert cli.run("queue", "--move", tiny, "1").code == 0
    assert cli.run("resume", middle).code == 0
    registry.files.throttle(1_000_000)
    with cli.start("queue", "--run", "--json") as running:
        wait_until(lambda: bytes_of(running) > 1e6, WAIT, lambda: f"a download in {running.out}{running.err}")
        (there, _) = queue_of(cli)
        assert there["has_owner"] is True
        assert there["pid"] == running.process.pid
        assert "ecs-localai queue" in cli.run("queue").lines[1]
        ended = running.interrupt(signal.SIGINT)
    assert ended.error == "Stopped. 2 are still in the queue, with what has arrived: ecs-localai queue --run"
    assert [(one["model_name"], one["has_owner"]) for one in queue_of(cli)] == [(middle, False), (tiny, False)]
    wait_until(lambda: registry.files.open_transfers == 0, WAIT, "the server to stop downloading")

    registry.files.clear()
    registry.files.reset_counts()
    assert cli.run("resume", tiny).code == 0
    ended = cli.run("queue", "--run", timeout=WAIT)
    assert (ended.code, ended.err) == (0, "")
    assert sorted(fresh_ollama.model_names()) == sorted([middle, tiny])
    assert registry.files.bytes_served < 12_000_000  # of both, as a part of the first was there
    assert queue_of(cli) == []


def test_what_fails_is_told_and_the_rest_is_done(cli: Cli, fresh_ollama: OllamaServer, registry: Registry) -> None:
    tiny, middle = registry.name_for("tiny:latest"), registry.name_for("middle:latest")
    put_off(cli, fresh_ollama, tiny, middle)
    manifest = registry.manifest("tiny:latest")
    try:
        registry.delete_tag("tiny:latest")
        assert cli.run("resume", tiny, middle).code == 0
        ended = cli.run("queue", "--run", timeout=WAIT)
    finally:
        registry.put_manifest("tiny:latest", manifest)
    assert ended.error.startswith(f"The registry has no {tiny}")
    assert fresh_ollama.model_names() == [middle]
    assert queue_of(cli) == []


def test_a_program_that_runs_takes_up_what_is_put_into_the_queue(
    cli: Cli, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    assert cli.run("hosts", "add", fresh_ollama.host_port, "--name", "box", "--default").code == 0
    name = registry.name_for("tiny:latest")
    with cli.start("run", "--headless", "--json") as panel:
        panel.wait_for_event("OllamaConnectionStatusChanged", WAIT)
        put_off(cli, fresh_ollama, name)
        wait_until(lambda: queue_of(cli)[0]["pid"] == panel.process.pid, WAIT, "the program to see to it", poll=0.5)
        assert fresh_ollama.model_names() == []
        assert cli.run("queue", "--run").out.startswith("Programs that run now see to all of the queue;")
        ended = cli.run("resume", name)
        assert ended.out.startswith(f"{name} goes on in ecs-localai run ({panel.process.pid}): ")
        panel.wait_for_event("ModelInstallationCompleted", WAIT)
        assert panel.interrupt().code == 0
    assert fresh_ollama.model_names() == [name]


def test_taking_out_what_another_program_is_at_work_on_stops_it_there(
    cli: Cli, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    with slow_install(cli, fresh_ollama, registry) as running:
        (there,) = queue_of(cli)
        assert (there["state"], there["pid"]) == ("Downloading", running.process.pid)
        ended = cli.run("queue", "--cancel", "1")
        assert (ended.code, ended.err) == (0, "")
        assert "is out of the queue." in ended.out
        stopped = running.end(WAIT)
    assert stopped.error.startswith("Stopped before ")
    assert queue_of(cli) == []
    wait_until(lambda: registry.files.open_transfers == 0, WAIT, "the server to stop downloading")


@pytest.mark.parametrize(
    "wrong",
    [
        ("--run", "--cancel", "a"),
        ("--move", "a", "far"),
        ("--move", "a"),
        ("--at", "soon", "a"),
        ("--cancel", "a", "--move", "a", "1"),
    ],
)
def test_wrong_options_are_wrong_usage(cli: Cli, wrong: tuple[str, ...]) -> None:
    ended = cli.run("queue", *wrong, env={"COLUMNS": "200"})
    assert (ended.code, ended.out) == (2, "")
