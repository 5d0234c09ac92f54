"""Many hosts as one: real Ollamas side by side, what each lacks, and installing and removing on some or all of them."""

from __future__ import annotations

import signal
from contextlib import ExitStack

import pytest

from tests.cli.cli_parts import Cli, without_escapes
from tests.rig.odd_servers import Silent, closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.rig.relay import Relay
from tests.rig.waiting import wait_until

pytestmark = pytest.mark.ollama


@pytest.fixture
def empty(fresh_ollama: OllamaServer) -> OllamaServer:
    """A server without models, called ``empty`` in the list."""
    return fresh_ollama


@pytest.fixture
def pair(cli: Cli, ollama_server: OllamaServer, empty: OllamaServer) -> Cli:
    """The command with a list of two hosts: ``full``, the default one, and ``empty``."""
    for server, name in ((ollama_server, "full"), (empty, "empty")):
        assert cli.run("hosts", "add", server.host_port, "--name", name, "--default").code == 0
    assert cli.run("hosts", "remove", "This computer").code == 0
    assert cli.run("hosts", "default", "full").code == 0
    return cli


@pytest.fixture
def with_a_dead_one(pair: Cli) -> Cli:
    """The same, and a third host, ``dead``, where nothing listens."""
    assert pair.run("hosts", "add", f"127.0.0.1:{closed_port()}", "--name", "dead").code == 0
    return pair


def test_hosts_are_shown_side_by_side(with_a_dead_one: Cli, ollama_server: OllamaServer) -> None:
    ended = with_a_dead_one.run("hosts")
    assert (ended.code, ended.err) == (0, "")
    assert ended.lines[0].split("  ")[0] == ""
    heads = ("NAME", "ADDRESS", "STATUS", "VERSION", "ANSWERS IN", "MODELS", "ON DISK")
    assert all(head in ended.lines[0] for head in heads)
    full, empty, dead = (line.split() for line in ended.lines[1:4])
    version = ollama_server.call("GET", "/api/version").json()["version"]
    assert full[:5] == ["*", "full", ollama_server.base_url, "Connected", version]
    assert full[6:] == ["ms", "2", "99", "MB"]
    assert empty[0] == "empty"
    assert empty[-3:] == ["0", "0", "B"]
    assert dead[2:4] == ["Not", "running"]
    assert any(line.startswith("dead: Nothing listens at 127.0.0.1:") for line in ended.lines)


def test_programs_are_told_every_fact(with_a_dead_one: Cli, ollama_server: OllamaServer) -> None:
    def loaded() -> int:
        models = ollama_server.call("GET", "/api/ps").json()["models"]
        assert isinstance(models, list)
        return len(models)

    before = loaded()  # other tests may have left some there, which leave by themselves
    full, empty, dead = with_a_dead_one.run("hosts", "--json").objects
    assert full["loaded"] in range(loaded(), before + 1)
    assert full.keys() == dead.keys()
    assert (full["name"], full["base_url"], full["is_default"]) == ("full", ollama_server.base_url, True)
    assert (full["connected"], full["models"], full["error"]) == (True, 2, None)
    assert full["answered_address"] == "127.0.0.1"
    assert isinstance(full["response_time_ms"], float)
    assert isinstance(full["size_on_disk"], int)
    assert full["size_is_exact"] is True
    assert empty["models"] == 0
    unknown = (
        "version",
        "response_time_ms",
        "answered_address",
        "models",
        "loaded",
        "size_on_disk",
        "size_is_exact",
        "program",
    )
    assert [dead[name] for name in unknown] == [None] * len(unknown)
    assert dead["error_kind"] == "refused"
    assert dead["advice"]


def test_all_are_asked_at_once_so_that_a_silent_one_makes_no_other_wait(pair: Cli) -> None:
    with Silent() as silent, ExitStack() as stack:
        relays = [stack.enter_context(Relay("127.0.0.1", silent.port)) for _ in range(4)]
        for number, relay in enumerate(relays):
            assert pair.run("hosts", "add", relay.base_url, "--name", f"silent {number}").code == 0
        with pair.start("hosts", "--json") as running:
            wait_until(lambda: all(relay.open_connections for relay in relays), 60.0, "all to be asked at a time")
            ended = running.end()
    assert (ended.code, ended.err) == (0, "")
    assert [one["connected"] for one in ended.objects] == [True, True, False, False, False, False]
    assert {one["error_kind"] for one in ended.objects[2:]} == {"timed_out"}


def test_the_list_and_the_environment_name_the_host(pair: Cli, ollama_server: OllamaServer) -> None:
    assert "smollm2:135m" in pair.run("list").out
    assert pair.run("list", "--host", "EMPTY").out.startswith("No models yet.")
    told = {one["check"]: one["detail"] for one in pair.run("doctor", "--json").objects}
    assert told["address"] == f"{ollama_server.base_url} (from the list of hosts)"
    assert str(told["host empty"]).endswith("answers; 0 models installed, 0 loaded")


def test_models_of_all_hosts_are_listed_with_their_hosts(
    with_a_dead_one: Cli, ollama_server: OllamaServer, empty: OllamaServer
) -> None:
    ended = with_a_dead_one.run("list", "--all-hosts")
    assert ended.error.startswith("dead: Nothing listens at")
    assert ended.lines[0].split()[:2] == ["HOST", "NAME"]
    assert {line.split()[0] for line in ended.lines[1:]} == {"full"}
    ended = with_a_dead_one.run("list", "--all-hosts", "--json")
    assert {(one["host"], one["host_name"]) for one in ended.objects} == {(ollama_server.base_url, "full")}
    ollama_server.call("POST", "/api/generate", {"model": "tiny", "keep_alive": 600, "stream": False})
    try:
        ended = with_a_dead_one.run("ps", "--all-hosts")
        assert ended.lines[1].split()[:2] == ["full", "tiny:latest"]
        ended = with_a_dead_one.run("ps", "--all-hosts", "--json")
        assert [(one["host"], one["name"]) for one in ended.objects] == [(ollama_server.base_url, "tiny:latest")]
    finally:
        ollama_server.call("POST", "/api/generate", {"model": "tiny", "keep_alive": 0, "stream": False})


def test_that_there_are_none_is_told_where_every_host_has_answered(cli: Cli, empty: OllamaServer) -> None:
    for address, name in ((empty.host_port, "empty"), (f"127.0.0.1:{closed_port()}", "dead")):
        assert cli.run("hosts", "add", address, "--name", name, "--default").code == 0
    assert cli.run("hosts", "remove", "This computer").code == 0
    for command, said in (("list", "No models yet."), ("ps", "No model is loaded.")):
        ended = cli.run(command, "--all-hosts")
        assert ended.error.startswith("dead: Nothing listens at")
        assert ended.out == ""  # nobody knows
        assert cli.run(command, "--all-hosts", "--json").out == ""
        assert cli.run(command).error.startswith("Nothing listens at")
        assert cli.run(command, "--host", "empty").out.startswith(said)
    assert cli.run("hosts", "remove", "dead").code == 0
    for command, said in (("list", "No models yet."), ("ps", "No model is loaded.")):
        assert cli.run(command, "--all-hosts").out.startswith(said)


def test_the_advice_names_the_host_that_is_to_be_started(with_a_dead_one: Cli) -> None:
    """Without ``--host``, the default one would be started."""
    dead = with_a_dead_one.run("hosts", "--json").objects[2]
    assert "or “ecs-localai --host dead serve” in a terminal" in str(dead["advice"])
    assert with_a_dead_one.run("hosts", "default", "dead").code == 0
    dead = with_a_dead_one.run("hosts", "--json").objects[2]
    assert "or “ecs-localai serve” in a terminal" in str(dead["advice"])
    assert with_a_dead_one.run("hosts", "default", "full").code == 0
    dead = with_a_dead_one.run("hosts", "--json", "--host", "dead").objects[2]
    assert dead["is_default"] is True  # but not where nobody says so
    assert "or “ecs-localai --host dead serve” in a terminal" in str(dead["advice"])
    assert with_a_dead_one.run("hosts", "edit", "dead", "--address", f"https://localhost:{closed_port()}").code == 0
    dead = with_a_dead_one.run("hosts", "--json").objects[2]
    assert "serve" not in str(dead["advice"])  # no Ollama listens so
    assert "start what stands before it" in str(dead["advice"])


def test_what_happens_is_told_with_the_host_where_it_happens(pair: Cli, empty: OllamaServer) -> None:
    with pair.start("run", "--headless") as running:
        known = "Installed on full now: "
        wait_until(lambda: known in running.out, 40.0, lambda: f"the models in\n{running.out}{running.err}")
        connected = f"Connected to Ollama at {empty.base_url}."
        wait_until(lambda: connected in running.out, 40.0, lambda: f"the other host in\n{running.out}{running.err}")
        empty.terminate()
        gone = f"No connection to {empty.base_url}."
        wait_until(lambda: gone in running.out, 60.0, lambda: f"its end in\n{running.out}{running.err}")
        ended = running.interrupt()
    assert (ended.code, ended.err) == (0, "")
    assert "is in the list of hosts now" not in ended.out  # they were from the start


def test_the_difference_is_told_with_the_command_that_evens_it_out(pair: Cli, empty: OllamaServer) -> None:
    ended = pair.run("diff")
    assert (ended.code, ended.err) == (0, "")
    assert ended.lines[0] == "empty lacks 2."
    rows = {line.split()[0]: line.split()[-2:] for line in ended.lines if line.startswith(("smollm2", "tiny"))}
    assert rows == {"smollm2:135m": ["there", "missing"], "tiny:latest": ["there", "missing"]}
    assert ended.lines[-1] == "To even it out: ecs-localai sync"
    assert pair.run("diff", "full", empty.host_port).lines[-1].endswith(f"sync full {empty.host_port}")
    told = {one["name"]: one for one in pair.run("diff", "--json").objects}
    assert told["tiny:latest"]["missing_on"] == ["empty"]
    assert told["tiny:latest"]["outdated_on"] == []
    on = told["tiny:latest"]["on"]
    assert isinstance(on, list)
    assert [one["host_name"] for one in on] == ["full"]
    assert pair.run("diff", "full").error.startswith("There is only one host to look at.")
    assert pair.run("diff", "full", "full").code == 1


def test_hosts_that_differ_in_nothing(pair: Cli, empty: OllamaServer) -> None:
    with Relay("127.0.0.1", empty.port) as relay:
        alias = f"127.0.0.1:{relay.port}"
        ended = pair.run("diff", "empty", alias)
        assert (ended.code, ended.out) == (0, f"empty and {alias} have no models.\n")
        ended = pair.run("sync", "empty", alias)  # nobody needs to be asked
        assert (ended.code, ended.out) == (0, f"empty and {alias} have no models.\n")


def test_a_host_that_is_away_is_told_and_the_others_are_compared(with_a_dead_one: Cli) -> None:
    ended = with_a_dead_one.run("diff")
    assert ended.error.startswith("dead: Nothing listens at")
    assert ended.lines[0] == "empty lacks 2."
    assert with_a_dead_one.run("diff", "full", "dead").error.startswith("dead: Nothing listens at")


@pytest.mark.registry
def test_a_model_is_installed_on_one_on_some_and_everywhere(
    pair: Cli, ollama_server: OllamaServer, empty: OllamaServer, registry: Registry
) -> None:
    name = registry.name_for("middle:latest")
    try:
        ended = pair.run("install", name, "--insecure", "--on", "empty")
        assert (ended.code, ended.err) == (0, "")
        assert empty.model_names() == [name]
        assert name not in ollama_server.model_names()
        empty.delete(name)
        ended = pair.run("install", name, "--insecure", "--everywhere", "--json")
        assert (ended.code, ended.err) == (0, "")
        done = [one for one in ended.objects if one["event"] == "ModelInstallationCompleted"]
        assert {one["host"] for one in done} == {ollama_server.base_url, empty.base_url}
        assert empty.model_names() == [name]
        assert name in ollama_server.model_names()
        ended = pair.run("remove", name, "--on", "full", "--on", "empty")
        assert (ended.code, ended.err) == (0, "")
        assert ended.lines == [f"Removed {name} on {host}, which freed 11 MB." for host in ("full", "empty")]
    finally:
        ollama_server.delete(name)
    assert empty.model_names() == []


@pytest.mark.registry
def test_a_host_that_is_away_keeps_no_other_from_its_model(
    with_a_dead_one: Cli, empty: OllamaServer, registry: Registry
) -> None:
    name = registry.name_for("tiny:latest")
    ended = with_a_dead_one.run("install", name, "--insecure", "--on", "empty", "--on", "dead")
    assert ended.error.startswith("dead: Nothing listens at")
    assert ended.lines[-1].startswith(f"Installed {name} on empty (")
    assert empty.model_names() == [name]
    ended = with_a_dead_one.run("remove", name, "--on", "dead", "--on", "empty")
    assert ended.error.startswith("dead: Nothing listens at")
    assert empty.model_names() == []


@pytest.mark.registry
def test_sync_installs_what_is_missing_after_asking(
    pair: Cli, ollama_server: OllamaServer, empty: OllamaServer, registry: Registry
) -> None:
    name = registry.name_for("middle:latest")
    with OllamaServer() as third:
        assert pair.run("hosts", "add", third.host_port, "--name", "third").code == 0
        assert pair.run("install", name, "--insecure", "--on", "empty").code == 0
        ended = pair.run("sync", "empty", "third", "--insecure")
        assert ended.error == "Nobody can be asked here. Look at `ecs-localai diff`, and give --yes to install."
        refused = pair.on_terminal("sync", "empty", "third", "--insecure", keys=b"n\n")
        assert refused.code == 1
        assert f"{name} (11 MB) on third" in without_escapes(refused.out)
        assert "Install 1 model, up to 11 MB? [y/N]" in refused.out
        assert "Nothing was installed." in refused.out
        assert third.model_names() == []
        ended = pair.run("sync", "empty", "third", "--insecure", "--yes")
        assert (ended.code, ended.err) == (0, "")
        assert third.model_names() == [name]
        ended = pair.run("sync", "empty", "third")
        assert (ended.code, ended.out) == (0, "empty and third have the same model.\n")


@pytest.mark.registry
def test_what_no_registry_has_is_told_for_each_host(pair: Cli, registry: Registry, empty: OllamaServer) -> None:
    name = registry.name_for("nowhere:latest")
    ended = pair.run("install", name, "--insecure", "--everywhere")
    assert ended.code == 1
    assert ended.err.splitlines() == [
        f"Error: {host}: The registry has no {name}; check the spelling of the name and its tag."
        for host in ("full", "empty")
    ]


@pytest.mark.registry
def test_ctrl_c_stops_the_installations_on_all_hosts(
    pair: Cli, ollama_server: OllamaServer, empty: OllamaServer, registry: Registry
) -> None:
    registry.files.throttle(400_000)
    name = registry.name_for("middle:latest")
    with pair.start("install", name, "--insecure", "--everywhere", "--json") as running:
        wait_until(
            lambda: len({one["host"] for one in running.objects if one["event"] == "ModelInstallationProgress"}) == 2,
            40.0,
            lambda: f"progress of both in {running.out}{running.err}",
        )
        ended = running.interrupt(signal.SIGINT)
    assert f"Stopped before {name} on " in ended.error
    assert " on full" in ended.error
    assert " on empty" in ended.error
    assert empty.model_names() == []
    assert name not in ollama_server.model_names()


def test_options_that_contradict_each_other_are_wrong_usage(cli: Cli) -> None:
    for arguments in (
        ("install", "tiny", "--on", "a", "--everywhere"),
        ("install", "tiny", "--on", "a", "--host", "b"),
        ("remove", "tiny", "--on", "a", "--host", "b"),
    ):
        ended = cli.run(*arguments, env={"COLUMNS": "200"})
        assert ended.code == 2
        assert "do not go together" in ended.err
