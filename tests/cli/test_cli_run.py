"""``ecs-localai run --headless``: the world steps without a display and tells what happens."""

from __future__ import annotations

import signal
import subprocess

import pytest

from ecs_localai.runtime import SystemFailed
from ecs_localai.systems import EVENTS
from tests.cli.cli_parts import COMMAND, Cli, environment, json_object
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.waiting import wait_until


def test_a_few_frames_print_events_and_end_well(cli: Cli) -> None:
    ended = cli.run("run", "--headless", "--frames", "5", "--json", "--host", f"127.0.0.1:{closed_port()}")
    assert (ended.code, ended.err) == (0, "")
    assert {one["event"] for one in ended.objects} <= {kind.__name__ for kind in (*EVENTS, SystemFailed)}
    assert cli.run("run", "--headless", "--frames", "0", "--json").code == 0


@pytest.mark.ollama
def test_json_tells_what_happens_on_the_server(cli: Cli, ollama_server: OllamaServer) -> None:
    with cli.start("run", "--headless", "--json", "--host", ollama_server.host_port) as running:
        appeared = running.wait_for_event("OllamaConnectionStatusChanged")
        models = running.wait_for_event("InstalledModelsChanged")
        ended = running.interrupt()
    assert (ended.code, ended.err) == (0, "")
    assert appeared == {
        "event": "OllamaConnectionStatusChanged",
        "old_status": False,
        "new_status": True,
        "error_message": None,
        "host": ollama_server.base_url,
    }
    assert {"tiny:latest", "smollm2:135m"} <= set(models["added"] if isinstance(models["added"], list) else [])
    assert not any(one["event"] == "SystemFailed" for one in ended.objects)


@pytest.mark.ollama
def test_words_tell_that_the_server_goes_and_comes_back(cli: Cli, fresh_ollama: OllamaServer) -> None:
    fresh_ollama.terminate()
    with cli.start("run", "--headless", "--host", fresh_ollama.host_port) as running:
        gone = f"Nothing listens at {fresh_ollama.host_port}; start Ollama there, or correct the address."
        wait_until(lambda: gone in running.out, 20.0, lambda: f"the sentence in\n{running.out}{running.err}")
        fresh_ollama.restart()
        connected = f"Connected to Ollama at {fresh_ollama.base_url}."
        wait_until(lambda: connected in running.out, 20.0, lambda: f"the connection in\n{running.out}")
        ended = running.interrupt(signal.SIGTERM)
    assert (ended.code, ended.err) == (0, "")
    assert ended.lines[0] == f"Watching Ollama at {fresh_ollama.base_url}. Ctrl-C ends it."
    assert ended.out.count(gone) == 1  # not at every look


def test_ctrl_c_ends_it_at_once_also_between_rare_frames(cli: Cli) -> None:
    host = f"127.0.0.1:{closed_port()}"
    with cli.start("run", "--headless", "--hz", "0.01", "--json", "--host", host) as running:
        wait_until(lambda: running.objects, 20.0, lambda: f"a first event\n{running.err}")
        ended = running.interrupt()  # the next frame would be due in 100 s
    assert (ended.code, ended.err) == (0, "")


@pytest.mark.ollama
def test_a_reader_that_leaves_ends_it_without_a_traceback(cli: Cli, ollama_server: OllamaServer) -> None:
    arguments = ["run", "--headless", "--json", "--host", ollama_server.host_port]
    with subprocess.Popen(
        [*COMMAND, *arguments],
        env=environment(cli.data_dir),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json_object(process.stdout.readline())["event"]
        process.stdout.close()
        assert process.wait(30.0) == 0
        assert process.stderr.read() == ""


@pytest.mark.ollama
def test_a_list_may_be_cut_off_by_its_reader(cli: Cli, ollama_server: OllamaServer) -> None:
    for form in ([], ["--json"]):
        command = [*COMMAND, "list", *form, "--host", ollama_server.host_port]
        with subprocess.Popen(
            command, env=environment(cli.data_dir), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            assert process.wait(30.0) == 0
            assert process.stderr.read() == ""
