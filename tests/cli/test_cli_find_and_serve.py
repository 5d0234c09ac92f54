"""``ecs-localai hosts find`` and ``serve``: a real Ollama that is found, and one that is started and stopped."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from ecs_localai.ollama.local_server import find_program
from ecs_localai.runtime import App
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.plugin import LocalModelsPlugin
from tests.cli.cli_parts import Cli
from tests.finding.finding_parts import install
from tests.rig.odd_servers import CaptivePortal, closed_port
from tests.rig.ollama_program import find_ollama
from tests.rig.ollama_server import OllamaServer
from tests.rig.plain_http import call
from tests.rig.waiting import wait_until

pytestmark = pytest.mark.ollama


@pytest.fixture
def program(fresh_ollama: OllamaServer, tmp_path: Path) -> Path:
    """A program ``ollama`` for `serve`; where there is none here, the test is skipped with the server's own reason."""
    return install(find_ollama(), tmp_path / "bin")


def serving(program: Path, folder: Path) -> dict[str, str]:
    """The environment of a server that is started: its own home and models."""
    return {"OLLAMA_BIN": str(program), "HOME": str(folder), "OLLAMA_MODELS": str(folder / "models")}


def answers(port: int) -> bool:
    """Whether an Ollama answers there."""
    try:
        return call(port, "GET", "/api/version", timeout=2.0).status == 200
    except OSError:
        return False


def test_a_server_of_this_machine_is_found_and_added(cli: Cli, fresh_ollama: OllamaServer) -> None:
    version = fresh_ollama.call("GET", "/api/version").json()["version"]
    ended = cli.run("hosts", "find", "--json")
    assert ended.code == 0, ended
    found = next(one for one in ended.objects if one["base_url"] == fresh_ollama.base_url)
    assert found == {"base_url": fresh_ollama.base_url, "version": version, "found_by": "local", "name": ""}
    assert not (cli.data_dir / "ecs-localai.sqlite3").exists()  # only looked
    ended = cli.run("hosts", "find")
    assert f"{fresh_ollama.base_url}: Ollama {version} on this machine" in ended.lines
    assert ended.lines[-1].startswith("To add them to the list: ecs-localai hosts find --add")
    ended = cli.run("hosts", "find", "--add")
    assert ended.code == 0
    assert fresh_ollama.host_port in ended.lines[-1]
    listed = {one["base_url"]: one for one in cli.run("hosts", "--json").objects}
    assert listed[fresh_ollama.base_url]["origin"] == "found"
    assert listed[fresh_ollama.base_url]["connected"] is True
    again = cli.run("hosts", "find", "--json")
    assert fresh_ollama.base_url not in [one["base_url"] for one in again.objects]


def test_what_was_added_is_in_the_world(cli: Cli, fresh_ollama: OllamaServer) -> None:
    assert cli.run("hosts", "add", fresh_ollama.host_port, "--name", "fresh", "--default").code == 0
    with App() as app:
        app.add_plugins(LocalModelsPlugin(data_dir=cli.data_dir))
        hosts = app.world.resource(OllamaHosts)
        assert [one.host.name for one in hosts.all()] == ["This computer", "fresh"]
        default = hosts.default
    assert default is not None
    assert default.base_url == fresh_ollama.base_url


def test_serve_starts_the_program_and_stops_it_again(cli: Cli, program: Path, tmp_path: Path) -> None:
    port = closed_port()
    with cli.start("serve", "--host", f":{port}", "--json", env=serving(program, tmp_path)) as running:
        wait_until(lambda: running.objects, 60.0, lambda: f"it to run: {running.err}")
        (told,) = running.objects
        assert told["base_url"] == f"http://127.0.0.1:{port}"
        assert told["program"] == str(program)
        assert answers(port)
        ended = running.interrupt(signal.SIGINT)
    assert (ended.code, ended.err) == (0, "")
    assert not answers(port)
    log = cli.data_dir / "ollama-serve.log"
    assert log.stat().st_size > 0
    assert [path.stat().st_mode & 0o777 for path in (log, log.parent)] == [0o600, 0o700], "others can read it"
    forgotten = cli.run("data", "forget", "--everything", "--yes")
    assert (forgotten.code, forgotten.lines[-1]) == (0, f"Deleted: {log}.")
    assert not log.exists()


def test_serve_says_that_its_program_has_ended_by_itself(cli: Cli, program: Path, tmp_path: Path) -> None:
    port = closed_port()
    with cli.start("serve", "--host", f":{port}", "--json", env=serving(program, tmp_path)) as running:
        wait_until(lambda: running.objects, 60.0, lambda: f"it to run: {running.err}")
        pid = running.objects[0]["pid"]
        assert isinstance(pid, int)
        os.kill(pid, signal.SIGKILL)
        ended = running.end()
    assert ended.error.startswith("The local Ollama ended by itself")


def test_serve_leaves_a_server_alone_that_is_there(
    cli: Cli, program: Path, fresh_ollama: OllamaServer, tmp_path: Path
) -> None:
    ended = cli.run("serve", "--host", fresh_ollama.host_port, env=serving(program, tmp_path))
    assert f"runs at {fresh_ollama.host_port} already" in ended.error
    assert answers(fresh_ollama.port)


def test_serve_says_what_keeps_it_from_starting(cli: Cli, program: Path, tmp_path: Path) -> None:
    with CaptivePortal() as portal:
        ended = cli.run("serve", "--host", portal.base_url, env=serving(program, tmp_path))
        assert "Something that is not an Ollama uses the port" in ended.error
    ended = cli.run("serve", "--host", "https://gpu.example", env=serving(program, tmp_path))
    assert ended.error == "Ollama listens on this machine, over http: https://gpu.example is another place."
    ended = cli.run("serve", env={"OLLAMA_BIN": str(tmp_path / "nowhere")})
    assert "OLLAMA_BIN names" in ended.error


def test_serve_without_a_program_says_where_to_get_it(cli: Cli, tmp_path: Path) -> None:
    nothing = {"OLLAMA_BIN": "", "PATH": str(tmp_path), "HOME": str(tmp_path)}
    own = find_program(nothing)
    if own is not None:
        pytest.skip(f"this machine has {own}, where its installers put it; it is left alone")
    ended = cli.run("serve", env=nothing)
    assert ended.error.startswith("There is no Ollama on this machine. Get it from ollama.com/download")
