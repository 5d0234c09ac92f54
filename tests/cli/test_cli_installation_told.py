"""What commands say of installations that do not simply run: they wait, are tried again, fetched again, taken out."""

from __future__ import annotations

import re
from datetime import timedelta

import msgspec
import pytest

from ecs_localai import DownloadConfig
from ecs_localai.components.codec import to_builtins
from ecs_localai.store import Store
from ecs_localai.store.tables import Table
from ecs_localai.systems.queue_rows import read_row
from tests.cli.cli_parts import Cli, Running
from tests.cli.queue_cli_parts import WAIT, put_off, queue_of, slow_install
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.rig.waiting import wait_until

pytestmark = [pytest.mark.ollama, pytest.mark.registry]
SLOW = 1_000_000
"""Bytes a second: the 12 MB model then takes twelve seconds."""


def until_said(running: Running, words: str) -> None:
    """Wait until a command has said this."""
    wait_until(lambda: words in running.out, WAIT, lambda: f"{words!r} in {running.out}{running.err}")


def keep_impatient(cli: Cli, server: OllamaServer, name: str) -> None:
    """Have an installation in the queue that takes two seconds without a byte for a failure."""
    put_off(cli, server, name)
    assert cli.run("resume", name).code == 0
    with Store.open(cli.data_dir) as store:
        for key, value in store.initial.queue.items():
            row = read_row(value)
            assert row is not None
            config = DownloadConfig(insecure=True, stall_timeout=timedelta(seconds=2))
            asked = msgspec.structs.replace(row.request, download_config=config)
            store.amend(Table.QUEUE, key, {"request": to_builtins(asked)})
        assert store.flush()


def test_why_and_how_often_it_is_tried_again(cli: Cli, fresh_ollama: OllamaServer, registry: Registry) -> None:
    name = registry.name_for("middle:latest")
    keep_impatient(cli, fresh_ollama, name)
    registry.files.refuse(500)
    with cli.start("queue", "--run") as running:
        until_said(running, f"{name}: 0 % · Trying again (2 of 4): The download of {name} has stood still for 2 s\n")
        registry.files.clear()
        ended = running.end(WAIT)
    assert (ended.code, ended.err) == (0, "")
    assert ended.lines[-1].startswith(f"Installed {name} ")


def test_that_it_is_tried_again_and_stands_still_as_json(
    cli: Cli, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    name = registry.name_for("middle:latest")
    keep_impatient(cli, fresh_ollama, name)
    registry.files.refuse(500)
    with cli.start("queue", "--run", "--json") as running:
        until_said(running, '"retry":{')
        registry.files.clear()
        ended = running.end(WAIT)
    assert (ended.code, ended.err) == (0, "")
    told = [one["progress"] for one in ended.objects if one["event"] == "ModelInstallationProgress"]
    retries = [one["retry"] for one in told if isinstance(one, dict) and one["retry"]]
    assert retries[0] == {"attempt": 2, "attempts": 4, "reason": f"The download of {name} has stood still for 2 s"}


def test_a_file_server_that_refuses_is_named_as_the_cause(
    cli: Cli, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    name = registry.name_for("middle:latest")
    keep_impatient(cli, fresh_ollama, name)
    registry.files.refuse(403)
    ended = cli.run("queue", "--run", timeout=WAIT)
    assert ended.error == (
        f"The registry's download server refuses a file of {name} (403); try again later, or choose another "
        "tag."
    )  # fmt: skip


def test_that_no_data_comes(cli: Cli, fresh_ollama: OllamaServer, registry: Registry) -> None:
    with slow_install(cli, fresh_ollama, registry) as running:
        registry.files.stall_after(1)
        until_said(running, '"still_for":"PT')
        registry.files.clear()
        ended = running.end(WAIT)
    assert (ended.code, ended.err) == (0, "")
    told = [one["progress"] for one in ended.objects if one["event"] == "ModelInstallationProgress"]
    still = [one for one in told if isinstance(one, dict) and one["still_for"]]
    assert {(one["download_speed"], one["eta"]) for one in still} == {(0.0, None)}
    assert str(still[0]["still_for"]) in ("PT3S", "PT4S", "PT5S")


def test_why_one_waits_as_json(cli: Cli, fresh_ollama: OllamaServer, registry: Registry) -> None:
    names = [registry.name_for("middle:latest"), registry.name_for("tiny:latest")]
    registry.files.throttle(SLOW)
    host = ("--host", fresh_ollama.host_port)
    with cli.start("install", *names, "--insecure", "--json", *host) as running:
        told = running.wait_for_event("Waiting", WAIT)
        assert (told["model_name"], told["reason"], told["not_before"]) == (names[1], "SharedLayer", None)
        assert told["host"] == fresh_ollama.base_url
        registry.files.clear()
        ended = running.end(WAIT)
    assert (ended.code, ended.err) == (0, "")


def test_one_that_is_taken_out_elsewhere_is_said_to_be_stopped(
    cli: Cli, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    name = registry.name_for("middle:latest")
    put_off(cli, fresh_ollama, name)
    assert cli.run("resume", name).code == 0
    registry.files.throttle(SLOW)
    with cli.start("queue", "--run") as running:
        until_said(running, f"{name}: ")
        wait_until(lambda: queue_of(cli)[0]["state"] == "Downloading", WAIT, "the file to say so", poll=0.5)
        assert cli.run("queue", "--cancel", name).code == 0
        ended = running.end(WAIT)
    assert (ended.code, ended.err) == (0, "")
    assert ended.lines[-1] == f"The installation of {name} was stopped."
    (past,) = cli.run("history", "--json").objects
    assert past["outcome"] == "Cancelled"


def test_what_was_fetched_again(cli: Cli, fresh_ollama: OllamaServer, registry: Registry) -> None:
    """Ollama 0.9.3 throws away at its start what was not complete."""
    name = registry.name_for("middle:latest")
    put_off(cli, fresh_ollama, name)
    assert cli.run("resume", name).code == 0
    registry.files.throttle(2 * SLOW)
    with cli.start("queue", "--run") as running:
        wait_until(lambda: re.search(": [3-9]. % · ", running.out), WAIT, lambda: running.out + running.err)
        fresh_ollama.kill()
        until_said(running, f"{name}: waiting for its host, which does not answer.")
        registry.files.throttle(SLOW / 3)  # there is a line every two seconds: several while it is fetched again
        fresh_ollama.restart()
        until_said(running, " · fetching ")
        assert cli.run("pause", name).code == 0
        ended = running.end(WAIT)
    assert (ended.code, ended.err) == (0, "")
    assert " fetched again " in cli.run("queue").lines[1]
    registry.files.clear()
    assert cli.run("resume", name).code == 0
    ended = cli.run("queue", "--run", timeout=WAIT)
    assert (ended.code, ended.err) == (0, "")
    assert ended.lines[-1].endswith(" had to be fetched again.")
    assert cli.run("history").lines[1].endswith(" fetched again")
