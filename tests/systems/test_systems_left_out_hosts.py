"""Saved hosts that cannot be in the list together with the others: they are told, and stay in the file."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ecs_localai import OllamaHosts
from ecs_localai.commands.host_book import change_hosts
from ecs_localai.components.hosts import HostOrigin
from ecs_localai.ollama.address import parse_host
from ecs_localai.store import Store, Table
from ecs_localai.systems.persistence import SavedState
from ecs_localai.systems.saved_hosts import SavedHost, configuration_of, read_saved_hosts
from tests.rig.odd_servers import closed_port
from tests.systems.systems_parts import Driven, config_for


def at(address: str) -> SavedHost:
    """A host without a name."""
    return SavedHost("", configuration_of(parse_host(address)))


def named(host: SavedHost, name: str, *, is_default: bool = False) -> SavedHost:
    return msgspec.structs.replace(host, name=name, is_default=is_default)


def write(folder: Path, *hosts: SavedHost) -> None:
    """Write these rows, as a version did that refused nothing."""
    with Store.open(folder) as store:
        for position, host in enumerate(hosts):
            store.put(Table.HOSTS, host.name, host, position)
        assert store.flush()


def saved(folder: Path) -> dict[str, str]:
    """The addresses of the saved hosts by their names, in their order."""
    with Store.open(folder) as store:
        hosts, problems = read_saved_hosts(store.initial.hosts, {})
    assert problems == []
    return {host.name: host.config.base_url for host in hosts}


def hosts_of(driven: Driven) -> OllamaHosts:
    return driven.app.world.resource(OllamaHosts)


def names(driven: Driven) -> list[str]:
    return [one.host.name for one in hosts_of(driven).all()]


def notices(driven: Driven) -> str:
    return "\n".join(notice.text for notice in driven.view.notices)


def close(driven: Driven) -> None:
    driven.update()
    assert driven.app.world.resource(SavedState).close()


@pytest.fixture
def port() -> int:
    return closed_port()


def test_of_two_for_one_server_the_first_is_listed_and_the_other_told_and_kept(tmp_path: Path, port: int) -> None:
    full, lab = named(at(f"127.0.0.1:{port}"), "full"), named(at(f"localhost:{port}"), "my lab", is_default=True)
    other = named(at(f"127.0.0.1:{closed_port()}"), "other")
    write(tmp_path, full, lab, other)
    with Driven.saved(tmp_path) as driven:
        driven.update()
        assert names(driven) == ["full", "other"]
        assert hosts_of(driven).require("full").is_default  # it is the same server
        told = (
            f"my lab is saved, but left out here. {lab.config.base_url} is the same as {full.config.base_url}: "
            "in the list already, as full. To change it: ecs-localai hosts edit 'my lab'; "
            "to remove it: ecs-localai hosts remove 'my lab'"
        )
        assert told in notices(driven)
        hosts_of(driven).add(config_for(closed_port()), "fresh")
        hosts_of(driven).move(hosts_of(driven).require("other").entity, -1)
        hosts_of(driven).set_default(hosts_of(driven).require("other").entity)
        close(driven)
    assert set(saved(tmp_path)) == {"full", "my lab", "other", "fresh"}
    assert saved(tmp_path)["my lab"] == lab.config.base_url
    change_hosts(tmp_path, lambda hosts: [host for host in hosts if host.name != "full"])
    with Driven.saved(tmp_path) as driven:
        driven.update()
        assert set(names(driven)) == {"my lab", "other", "fresh"}
        assert "left out" not in notices(driven)


def test_a_twin_that_comes_while_it_runs_is_told_once_and_takes_nobodys_place(tmp_path: Path, port: int) -> None:
    write(tmp_path, named(at(f"127.0.0.1:{port}"), "full"), named(at(f"127.0.0.1:{closed_port()}"), "other"))
    with Driven.saved(tmp_path) as driven:
        driven.update()
        entity = hosts_of(driven).require("full").entity
        change_hosts(tmp_path, lambda hosts: [*hosts, named(at(f"localhost:{port}"), "twin")])
        driven.until(lambda: "twin is saved, but left out here." in notices(driven))
        change_hosts(tmp_path, lambda hosts: [*hosts, named(at(f"127.0.0.1:{closed_port()}"), "fresh")])
        driven.until(lambda: "fresh" in names(driven))
        assert names(driven) == ["full", "other", "fresh"]
        assert hosts_of(driven).require("full").entity == entity
        assert notices(driven).count("left out") == 1
        hosts_of(driven).move(entity, 1)
        close(driven)
    assert set(saved(tmp_path)) == {"full", "other", "twin", "fresh"}


def test_a_host_that_is_moved_onto_another_elsewhere_stays_in_the_file(tmp_path: Path, port: int) -> None:
    """As the command once let it: the list here loses nobody without a word."""
    full, lab = named(at(f"127.0.0.1:{port}"), "full"), named(at(f"127.0.0.1:{closed_port()}"), "lab")
    write(tmp_path, full, lab)
    with Driven.saved(tmp_path) as driven:
        driven.update()
        moved = named(at(f"localhost:{port}"), "lab")
        change_hosts(tmp_path, lambda hosts: [hosts[0], moved])
        driven.until(lambda: "lab is saved, but left out here." in notices(driven))
        driven.until(lambda: names(driven) == ["full"])
        hosts_of(driven).add(config_for(closed_port()), "fresh")
        close(driven)
    assert list(saved(tmp_path)) == ["full", "lab", "fresh"] or set(saved(tmp_path)) == {"full", "lab", "fresh"}
    assert saved(tmp_path)["lab"] == moved.config.base_url


def test_one_that_was_left_out_comes_into_the_list_when_the_other_one_goes(tmp_path: Path, port: int) -> None:
    write(tmp_path, named(at(f"127.0.0.1:{port}"), "full"), named(at(f"localhost:{port}"), "lab"))
    with Driven.saved(tmp_path) as driven:
        driven.update()
        assert names(driven) == ["full"]
        change_hosts(tmp_path, lambda hosts: [host for host in hosts if host.name != "full"])
        driven.until(lambda: names(driven) == ["lab"])
        driven.until(lambda: notices(driven) == "")  # it is not left out any more
        close(driven)
    assert saved(tmp_path) == {"lab": f"http://localhost:{port}"}


def test_one_that_was_left_out_comes_into_the_list_when_it_is_put_right(tmp_path: Path, port: int) -> None:
    write(tmp_path, named(at(f"127.0.0.1:{port}"), "full"), named(at(f"localhost:{port}"), "lab"))
    other = named(at(f"127.0.0.1:{closed_port()}"), "lab")
    with Driven.saved(tmp_path) as driven:
        driven.update()
        change_hosts(tmp_path, lambda hosts: [hosts[0], other])
        driven.until(lambda: names(driven) == ["full", "lab"])
        close(driven)
    assert saved(tmp_path)["lab"] == other.config.base_url


def test_a_new_host_with_the_name_of_one_that_was_left_out_does_not_replace_it(tmp_path: Path, port: int) -> None:
    write(tmp_path, named(at(f"127.0.0.1:{port}"), "full"), named(at(f"localhost:{port}"), "lab"))
    config = config_for(closed_port())
    with Driven.saved(tmp_path) as driven:
        driven.update()
        hosts_of(driven).add(config, "LAB")
        close(driven)
    assert saved(tmp_path) == {
        "full": f"http://127.0.0.1:{port}", "lab": f"http://localhost:{port}", "LAB 2": config.base_url
    }  # fmt: skip


def test_a_new_host_with_the_name_of_one_that_is_unreadable_does_not_replace_it(tmp_path: Path, port: int) -> None:
    write(tmp_path, named(at(f"127.0.0.1:{port}"), "full"))
    broken = {"name": "lab", "config": {"port": "x"}}
    with Store.open(tmp_path) as store:
        store.put(Table.HOSTS, "lab", broken, 7)
    with Driven.saved(tmp_path) as driven:
        driven.update()
        assert "lab is saved, but unreadable, so it is left out." in notices(driven)
        assert "To remove it: ecs-localai hosts remove lab" in notices(driven)
        entity = hosts_of(driven).add(config_for(closed_port()), "lab")
        driven.update()
        hosts_of(driven).edit(entity, config_for(closed_port()))
        close(driven)
    with Store.open(tmp_path) as store:
        assert set(store.initial.hosts) == {"full", "lab", "lab 2"}
        assert store.initial.hosts["lab"] == broken


def test_one_that_becomes_unreadable_while_it_runs_is_told_and_stays_in_the_file(tmp_path: Path, port: int) -> None:
    write(tmp_path, named(at(f"127.0.0.1:{port}"), "full"), named(at(f"127.0.0.1:{closed_port()}"), "lab"))
    broken = {"name": "lab", "config": {"port": "x"}}
    with Driven.saved(tmp_path) as driven:
        driven.update()
        with Store.open(tmp_path) as store:
            store.put(Table.HOSTS, "lab", broken, 1)
            assert store.flush()
        driven.until(lambda: "lab is saved, but unreadable, so it is left out." in notices(driven))
        hosts_of(driven).add(config_for(closed_port()), "fresh")
        driven.update()
        close(driven)
        assert notices(driven).count("unreadable") == 1
    with Store.open(tmp_path) as store:
        assert set(store.initial.hosts) == {"full", "lab", "fresh"}
        assert store.initial.hosts["lab"] == broken


def test_each_of_many_is_named(tmp_path: Path, port: int) -> None:
    """There is not room for a sentence about each."""
    write(tmp_path, *(named(at(f"127.0.0.1:{port}"), f"twin {number}") for number in range(7)))
    with Store.open(tmp_path) as store:
        for number in range(3):
            store.put(Table.HOSTS, f"odd {number}", {"name": number}, 10 + number)
    with Driven.saved(tmp_path) as driven:
        driven.update()
        assert notices(driven).splitlines() == [
            "odd 0, odd 1, odd 2 are saved, but unreadable, so they are left out. To see why: ecs-localai hosts",
            "twin 1, twin 2, twin 3, twin 4, twin 5, twin 6 are saved, but left out here. "
            "To see why: ecs-localai hosts",
        ]
        with Store.open(tmp_path) as store:
            for number in range(3):
                store.remove(Table.HOSTS, f"odd {number}")
            assert store.flush()
        driven.until(lambda: "odd" not in notices(driven))
        change_hosts(tmp_path, lambda hosts: hosts[:2])
        driven.until(lambda: "twin 1 is saved, but left out here." in notices(driven))
        assert "twin 6" not in notices(driven)
        close(driven)
    assert set(saved(tmp_path)) == {"twin 0", "twin 1"}


def test_a_saved_host_whose_name_is_taken_here_is_told(tmp_path: Path, port: int) -> None:
    write(tmp_path, named(at(f"127.0.0.1:{port}"), "full"))
    with Driven.saved(tmp_path) as driven:
        driven.update()
        hosts_of(driven).add(config_for(closed_port()), "Box", origin=HostOrigin.STARTED)  # which is kept in no file
        driven.update()
        change_hosts(tmp_path, lambda hosts: [*hosts, named(at(f"127.0.0.1:{closed_port()}"), "Box")])
        driven.until(lambda: "Box is saved, but left out here. Another host is called Box." in notices(driven))
        hosts_of(driven).remove(hosts_of(driven).require("Box").entity)
        change_hosts(tmp_path, lambda hosts: [*hosts, named(at(f"127.0.0.1:{closed_port()}"), "Last")])
        driven.until(lambda: set(names(driven)) == {"full", "Box", "Last"})  # there is room for it now
        close(driven)
    assert set(saved(tmp_path)) == {"full", "Box", "Last"}


def test_what_was_left_out_is_put_back_where_the_file_is_taken_away(tmp_path: Path, port: int) -> None:
    write(tmp_path, named(at(f"127.0.0.1:{port}"), "full"), named(at(f"localhost:{port}"), "lab"))
    with Driven.saved(tmp_path) as driven:
        hosts_of(driven).add(config_for(closed_port()), "fresh")
        driven.update()
        assert set(driven.app.world.resource(SavedState)._now.hosts) == {"full", "lab", "fresh"}
        close(driven)
