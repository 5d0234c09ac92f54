"""Saved hosts that a command cannot use: they are named, never lost, and can be put right or removed by hand."""

from __future__ import annotations

import pytest

from ecs_localai.components.hosts import OllamaConfiguration
from ecs_localai.ollama.address import parse_host
from ecs_localai.store import Store, Table
from ecs_localai.systems.saved_hosts import SavedHost, configuration_of, read_saved_hosts
from tests.cli.cli_parts import Cli
from tests.rig.odd_servers import OtherJsonApi, closed_port
from tests.rig.ollama_server import OllamaServer

BROKEN = {"name": "broken", "config": {"port": "x"}}


def config_at(address: str) -> OllamaConfiguration:
    return configuration_of(parse_host(address))


def write(cli: Cli, *hosts: SavedHost, broken: bool = False) -> None:
    """Write these rows, as a version did that refused nothing."""
    with Store.open(cli.data_dir) as store:
        for position, host in enumerate(hosts):
            store.put(Table.HOSTS, host.name, host, position)
        if broken:
            store.put(Table.HOSTS, "broken", BROKEN, len(hosts))
        assert store.flush()


def rows(cli: Cli) -> dict[str, object]:
    """What the file holds."""
    with Store.open(cli.data_dir) as store:
        return dict(store.initial.hosts)


def addresses(cli: Cli) -> dict[str, str]:
    hosts, _ = read_saved_hosts(rows(cli), {})
    return {host.name: host.config.base_url for host in hosts}


@pytest.fixture
def twins(cli: Cli, ollama_server: OllamaServer) -> Cli:
    """The command with two hosts for one server, of which the second is the default, and one that is no server."""
    write(
        cli,
        SavedHost("full", config_at(ollama_server.host_port)),
        SavedHost("my lab", config_at(f"localhost:{ollama_server.port}"), is_default=True),
        SavedHost("dead", config_at(f"127.0.0.1:{closed_port()}")),
    )
    return cli


@pytest.mark.ollama
def test_a_second_host_for_one_server_is_named_and_not_asked_twice(twins: Cli, ollama_server: OllamaServer) -> None:
    ended = twins.run("hosts", "--json")
    assert [(one["name"], one["is_default"]) for one in ended.objects] == [("full", True), ("dead", False)]
    assert ended.err == (
        f"Note: my lab is saved, but left out here. http://localhost:{ollama_server.port} is the same as "
        f"{ollama_server.base_url}: in the list already, as full. To change it: ecs-localai hosts edit 'my lab'; "
        "to remove it: ecs-localai hosts remove 'my lab'\n"
    )
    listed = [(one["host_name"], one["name"]) for one in twins.run("list", "--all-hosts", "--json").objects]
    assert sorted(listed) == [("full", "smollm2:135m"), ("full", "tiny:latest")]
    before = rows(twins)
    assert "my lab and full are the same host." in twins.run("diff", "my lab", "full").err
    assert rows(twins) == before


@pytest.mark.ollama
def test_one_that_is_left_out_can_be_used_by_its_name(twins: Cli, ollama_server: OllamaServer) -> None:
    assert twins.run("hosts", "check", "my lab").code == 0
    names = [one["name"] for one in twins.run("--host", "MY LAB", "hosts", "--json").objects]
    assert names == ["dead", "my lab"]  # each server once
    checked = twins.run("--host", f"localhost:{ollama_server.port}", "hosts", "--json").objects
    assert [one["name"] for one in checked] == ["full", "dead"]


@pytest.mark.ollama
def test_one_that_is_left_out_can_be_put_right_or_removed(twins: Cli) -> None:
    assert twins.run("hosts", "edit", "dead", "--name", "away").code == 0
    assert twins.run("hosts", "move", "away", "up").code == 0
    assert twins.run("hosts", "add", "gpu.example").code == 0
    assert set(addresses(twins)) == {"full", "my lab", "away", "gpu.example:11434"}
    port = closed_port()
    ended = twins.run("hosts", "edit", "my lab", "--address", f":{port}")
    assert ended.code == 0
    assert ended.err.count("my lab is saved") == 1
    assert addresses(twins)["my lab"] == f"http://127.0.0.1:{port}"
    ended = twins.run("hosts", "--json")
    assert ended.err == ""
    assert "my lab" in [one["name"] for one in ended.objects]


@pytest.mark.ollama
def test_removing_the_one_that_is_left_out_leaves_the_other(twins: Cli) -> None:
    assert twins.run("hosts", "remove", "my lab").code == 0
    assert set(addresses(twins)) == {"full", "dead"}
    assert twins.run("hosts", "--json").err == ""


def test_an_unreadable_host_is_named_and_stays_until_it_is_removed_by_hand(cli: Cli) -> None:
    write(cli, SavedHost("gpu", config_at("gpu.example"), is_default=True), broken=True)
    ended = cli.run("hosts", "add", "other.example", "--name", "other")
    assert ended.code == 0
    assert "broken is saved, but unreadable, so it is left out." in ended.err
    assert "To remove it: ecs-localai hosts remove broken" in ended.err
    assert cli.run("hosts", "move", "other", "up").code == 0
    for arguments in (("add", "x.example", "--name", "broken"), ("edit", "other", "--name", "broken")):
        ended = cli.run("hosts", *arguments)
        assert ended.code == 1
        assert "broken is saved already, though unreadable. Choose another name, or remove that one:" in ended.err
    assert rows(cli)["broken"] == BROKEN
    assert cli.run("hosts", "remove", "broken").out == "Removed broken from what is saved; it was unreadable.\n"
    assert list(rows(cli)) == ["other", "gpu"]
    assert "There is no host called 'broken'." in cli.run("hosts", "remove", "broken").error


def test_an_unreadable_host_alone_keeps_nobody_from_adding_one(cli: Cli) -> None:
    """Also where it is called as the host with which every list begins."""
    with Store.open(cli.data_dir) as store:
        store.put(Table.HOSTS, "This computer", BROKEN, 0)
    assert cli.run("hosts", "add", "gpu.example", "--name", "gpu").code == 0
    assert rows(cli)["This computer"] == BROKEN
    assert addresses(cli) == {"This computer 2": "http://127.0.0.1:11434", "gpu": "http://gpu.example:11434"}


def test_one_server_under_two_addresses_is_no_pair(cli: Cli) -> None:
    port = closed_port()
    ended = cli.run("diff", f"localhost:{port}", f"127.0.0.1:{port}")
    assert ended.error.startswith(f"localhost:{port} and 127.0.0.1:{port} are the same host. Name two,")


def test_the_advice_for_a_path_too_many_is_a_command_that_there_is(cli: Cli) -> None:
    with OtherJsonApi() as server:
        ended = cli.run("hosts", "check", f"{server.base_url}/api")
        assert "which may have a path too many: ecs-localai hosts add ADDRESS" in " ".join(ended.out.split())
        assert cli.run("hosts", "add", f"{server.base_url}/api", "--name", "api").code == 0
        told = " ".join(cli.run("hosts", "check", "api").out.split())
        assert "which may have a path too many: ecs-localai hosts edit api --address ADDRESS" in told
