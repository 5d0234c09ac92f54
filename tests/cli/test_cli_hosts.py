"""Which server the command talks to, and what it says when that is none."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from ecs_localai.store import Store
from tests.cli.cli_parts import Cli
from tests.rig.odd_servers import (
    CaptivePortal,
    HalfCloser,
    LongLines,
    LooseJsonApi,
    OddServer,
    Silent,
    closed_port,
)
from tests.rig.ollama_server import OllamaServer
from tests.rig.waiting import wait_until


@pytest.mark.parametrize("command", [("list",), ("remove", "tiny"), ("install", "tiny")])
def test_a_closed_port_is_one_sentence(cli: Cli, command: tuple[str, ...]) -> None:
    port = closed_port()
    ended = cli.run(*command, "--host", f"127.0.0.1:{port}")
    assert ended.error == f"Nothing listens at 127.0.0.1:{port}; start Ollama there, or correct the address."
    assert ended.out == ""


@pytest.mark.parametrize("kind", [CaptivePortal, LooseJsonApi, LongLines, HalfCloser])
def test_a_server_that_is_no_ollama_is_one_sentence(cli: Cli, kind: Callable[[], OddServer]) -> None:
    with kind() as server:
        ended = cli.run("list", "--host", server.base_url)
        assert f"127.0.0.1:{server.port}" in ended.error
        assert ended.out == ""


def test_nothing_is_installed_through_a_login_page(cli: Cli) -> None:
    with CaptivePortal() as portal:
        ended = cli.run("install", "tiny", "--host", portal.base_url)
        assert "answers with a web page" in ended.error
        assert ended.out == ""
        assert portal.requests == ["GET /api/version"]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http//127.0.0.1", "write http://127.0.0.1"),
        ("127.0.0.1:99999", "a port is a number from 1 to 65535"),
    ],
)
def test_a_bad_address_is_one_sentence(cli: Cli, address: str, said: str) -> None:
    assert said in cli.run("list", "--host", address).error


def test_a_bad_address_in_the_environment_names_the_variable(cli: Cli) -> None:
    error = cli.run("list", env={"OLLAMA_HOST": "two words"}).error
    assert error.startswith("OLLAMA_HOST is no address. The address 'two words' has a space")


def test_a_silent_server_can_be_given_up(cli: Cli) -> None:
    with Silent() as server, cli.start("list", "--host", server.base_url) as running:
        wait_until(lambda: server.requests, 20.0, "the command's request")
        assert running.interrupt(signal.SIGINT).error == "Interrupted."


@pytest.mark.ollama
def test_the_option_goes_before_the_environment_before_the_saved_host_before_the_default(
    cli: Cli, ollama_server: OllamaServer
) -> None:
    nobody = f"127.0.0.1:{closed_port()}"
    good = ollama_server.host_port
    assert cli.run("--host", good, "list", env={"OLLAMA_HOST": nobody}).code == 0
    assert cli.run("--host", nobody, "list", "--host", good).code == 0  # the nearer one counts
    assert nobody in cli.run("--host", nobody, "list", env={"OLLAMA_HOST": good}).error
    with Store.open(cli.data_dir) as store:
        store.set_setting("host", ollama_server.base_url)
    assert cli.run("list").code == 0
    assert nobody in cli.run("list", env={"OLLAMA_HOST": nobody}).error
    assert cli.run("list", env={"OLLAMA_HOST": ""}).code == 0
    elsewhere = cli.data_dir / "elsewhere"
    told = {one["check"]: one["detail"] for one in cli.run("doctor", "--json", "--data-dir", str(elsewhere)).objects}
    assert told["address"] == "http://127.0.0.1:11434 (from Ollama's default)"


@pytest.mark.ollama
def test_reading_creates_no_data_folder(cli: Cli, ollama_server: OllamaServer) -> None:
    folder = cli.data_dir / "none"
    assert cli.run("--data-dir", str(folder), "list", env={"OLLAMA_HOST": ollama_server.host_port}).code == 0
    assert not folder.exists()


def test_damaged_saved_data_is_told_and_set_aside(cli: Cli) -> None:
    (cli.data_dir / "ecs-localai.sqlite3").write_bytes(b"not a database at all " * 100)
    ended = cli.run("doctor", "--json", "--host", f"127.0.0.1:{closed_port()}")
    told = {one["check"]: one for one in ended.objects}
    assert told["data folder"]["status"] == "warn"
    assert "The damaged file was not deleted" in str(told["data folder"]["detail"])
    year = datetime.now(UTC).year
    assert list(cli.data_dir.glob(f"ecs-localai.damaged-{year}*"))
