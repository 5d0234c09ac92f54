"""``--remote`` and ``inspect --attach``: a running program that lets others look inside, and looking into one."""

from __future__ import annotations

import re
import socket

import msgspec
import pytest

from ecs_localai.remote import RemoteClient
from ecs_localai.runtime import AppDescription
from tests.cli.cli_parts import Cli, Running
from tests.rig.display import Xvfb
from tests.rig.odd_servers import closed_port
from tests.rig.waiting import wait_until

_WHERE = re.compile(r"^Note: Programs on this machine can look inside at http://127\.0\.0\.1:(\d+)/\n$")


def port_of(running: Running) -> int:
    """The port that a program says it can be looked into at."""
    found = wait_until(lambda: _WHERE.match(running.err), 30.0, lambda: f"the port in\n{running.out}{running.err}")
    assert found is not None
    return int(found[1])


def some_host() -> tuple[str, str]:
    """The options for an Ollama that is not there."""
    return "--host", f"127.0.0.1:{closed_port()}"


@pytest.mark.parametrize("options", [("run", "--headless"), ("--remote-port", "0", "run", "--headless", "--json")])
def test_a_running_program_is_shown_as_text_and_as_json(cli: Cli, options: tuple[str, ...]) -> None:
    chosen = () if "--remote-port" in options else ("--remote-port", "0")
    with cli.start(*options, *chosen, *some_host()) as running:
        port = str(port_of(running))
        text = cli.run("inspect", "--attach", "--remote-port", port)
        as_json = cli.run("inspect", "--remote-port", port, "--json")
        ended = running.interrupt()
    assert (text.code, text.err, as_json.code, as_json.err) == (0, "", 0, "")
    described = msgspec.json.decode(as_json.out, type=AppDescription)
    assert "ecs_localai.remote.plugin.RemotePlugin" in described.plugins
    assert "ecs_localai.systems.plugin.LocalModelsPlugin" in described.plugins
    assert "remote endpoint" in described.tasks
    assert described.frame > 1
    assert "  LocalModelsSystemSet.HOST_CONNECTION [" in text.out
    assert text.lines[1:5] == described.as_text().splitlines()[1:5]
    assert ended.code == 0
    assert _WHERE.match(ended.err)


def test_the_description_without_a_program_looks_the_same(cli: Cli) -> None:
    with cli.start("run", "--headless", "--remote", "--remote-port", "0", *some_host()) as running:
        port = port_of(running)
        attached = cli.run("inspect", "--attach", "--remote-port", str(port))
        alone = cli.run("inspect", *some_host())
        running.interrupt()
    kinds = [[line for line in ended.lines if not line.startswith(" ")] for ended in (attached, alone)]
    sections = [[re.sub(r"[\d.]+|ecs-localai\S*", "#", line) for line in lines] for lines in kinds]
    assert [line.partition(":")[0] for line in sections[0]] == [line.partition(":")[0] for line in sections[1]]


def test_where_nobody_lets_others_look_inside_it_says_so(cli: Cli) -> None:
    port = closed_port()
    assert f"127.0.0.1:{port}" in cli.run("inspect", "--attach", "--remote-port", str(port)).error


def test_a_port_in_use_is_told_and_the_program_goes_on(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
        options = ("run", "--headless", "--json", "--remote-port", str(port), *some_host())
        with cli.start(*options) as running:
            failed = running.wait_for_event("SystemFailed")
            ended = running.interrupt()
    assert f"port {port} of 127.0.0.1 is in use" in str(failed["message"])
    assert (ended.code, "Traceback" in ended.err) == (0, False)


def test_without_the_option_nobody_can_look_inside(cli: Cli) -> None:
    with cli.start("run", "--headless", "--json", *some_host()) as running:
        running.interrupt()
        assert "look inside" not in running.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--remote", "list"),
        ("inspect", "--attach", "--timing"),
        ("inspect", "--attach", "--frames", "3"),
        ("run", "--headless", "--remote-port", "65536"),
        ("inspect", "--attach", "--remote-port", "-1"),
        ("list", "--remote"),
    ],
)
def test_wrong_usage_is_code_2(cli: Cli, arguments: tuple[str, ...]) -> None:
    ended = cli.run(*arguments)
    assert (ended.code, ended.out, "Traceback" in ended.err) == (2, "", False)


@pytest.mark.window
@pytest.mark.parametrize("options", [("--remote-port", "0"), ("run", "--remote-port", "0")])
def test_the_panel_s_world_can_be_looked_into_while_nothing_happens(
    cli: Cli, xvfb: Xvfb, options: tuple[str, ...]
) -> None:
    with cli.start(*options, *some_host(), env=xvfb.environment) as running:
        client = RemoteClient(port_of(running))
        frames = [client.describe().frame for _ in range(3)]  # each wakes the panel, which sleeps between events
        assert frames == sorted(set(frames))
        assert running.interrupt().code == 0
