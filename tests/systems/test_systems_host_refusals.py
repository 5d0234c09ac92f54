"""What no host can be beside the others, by whatever way it is asked for: one rule for all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from ecs_localai import (
    AddHostRequested,
    EditHostRequested,
    HostListError,
    LocalModelsPanel,
    OllamaConfiguration,
    OllamaHosts,
)
from ecs_localai.ollama.address import parse_host
from ecs_localai.systems.host_refusals import Known, follows_address, why_refused
from ecs_localai.systems.saved_hosts import configuration_of, made_name, name_for
from tests.systems.systems_parts import Driven

THERE = (
    Known("full", "http://127.0.0.1:9101"),
    Known("gpu", "http://10.0.0.7:11434"),
    Known("example.com", "https://example.com:443"),
    Known("my box", "http://box.example:11434"),
)
SECOND = timedelta(seconds=1)
REFUSED = [
    ("127.0.0.1:9101", "x", "in the list already, as full"),
    ("localhost:9101", "x", "http://localhost:9101 is the same as http://127.0.0.1:9101: in the list already, as full"),
    ("LOCALHOST.:9101", "", "in the list already, as full"),
    ("[::ffff:127.0.0.1]:9101", "", "in the list already, as full"),
    ("BOX.example.", "", "in the list already, as my box"),
    ("10.0.0.9", "FULL", "Another host is called full."),
    ("10.0.0.9", "my   BOX", "Another host is called my box."),
    ("10.0.0.9", "-x", "-x begins with a dash, as options of commands do."),
    ("10.0.0.9", "localhost:9101", "localhost:9101 is the address of full, http://127.0.0.1:9101."),
    ("10.0.0.9", "http://10.0.0.7:11434", "is the address of gpu"),
    ("10.0.0.9", "https://example.com", "is the address of example.com"),
    ("gpu", "y", "Another host, at http://10.0.0.7:11434, is called gpu: give that one another name first."),
]
TAKEN = [
    ("[::1]:9101", "x"),  # another server may well listen there
    ("127.0.0.1:9102", "127.0.0.1:9102"),
    ("https://127.0.0.1:9101", ""),
    ("127.0.0.1:9101/other", ""),
    ("example.com", ""),  # whose name is made without its https://, and so reads as this one
    ("10.0.0.9", "lab"),
    ("10.0.0.9", "box"),
]


@pytest.mark.parametrize(("address", "name", "said"), REFUSED)
def test_what_another_host_has_is_refused(address: str, name: str, said: str) -> None:
    refusal = why_refused(THERE, parse_host(address).base_url, name)
    assert refusal is not None
    assert said in refusal.text
    assert refusal.text.endswith(".")


@pytest.mark.parametrize(("address", "name"), TAKEN)
def test_what_only_looks_alike_is_not(address: str, name: str) -> None:
    assert why_refused(THERE, parse_host(address).base_url, name) is None


def test_a_name_that_is_made_is_never_refused() -> None:
    """Whatever addresses come, in whatever order: with the name that is made for each, all of them go together."""
    addresses = ["gpu:11434", "https://gpu:11434", "https://gpu", "gpu:443", "http://gpu", "https://gpu/x", "gpu/x", ""]
    for turn in range(len(addresses)):
        there: list[Known] = []
        for address in addresses[turn:] + addresses[:turn]:
            config = configuration_of(parse_host(address))
            name = name_for(config, [one.name for one in there])
            assert name.startswith(made_name(config.base_url))
            assert why_refused(there, config.base_url, "") is None
            assert why_refused(there, config.base_url, name) is None
            there.append(Known(name, config.base_url))


@pytest.mark.parametrize(
    ("name", "address", "follows"),
    [
        ("This computer", "localhost", True),
        ("gpu:11434", "gpu", True),
        ("http://GPU:11434/", "gpu", True),
        ("[::ffff:10.0.0.7]:80", "http://10.0.0.7", True),
        ("10.0.0.7", "10.0.0.7", True),
        ("https://gpu", "https://gpu:443", True),
        ("gpu", "gpu", False),
        ("gpu:80", "gpu", False),
        ("gpu: big", "gpu", False),
        ("10.0.0.8", "10.0.0.7", False),
        ("127.0.0.1", "localhost", True),
        ("box", "10.0.0.7", False),
    ],
)
def test_a_name_that_is_the_address_is_known(name: str, address: str, follows: bool) -> None:
    assert follows_address(name, parse_host(address).base_url) is follows


def test_a_name_that_is_the_address_changes_with_it(driven: Driven) -> None:
    hosts = driven.app.world.resource(OllamaHosts)
    entity = hosts.add("192.168.7.7", "lab")
    hosts.edit(entity, configuration_of(parse_host("192.168.7.8")))
    assert hosts.require("lab").base_url == "http://192.168.7.8:11434"
    hosts.edit(entity, None, "http://192.168.7.8:11434")
    hosts.edit(entity, configuration_of(parse_host("192.168.7.8"), OllamaConfiguration(connection_timeout=SECOND)))
    assert hosts.named("http://192.168.7.8:11434") is not None  # the address is the same
    hosts.edit(entity, configuration_of(parse_host("192.168.7.9")))
    assert hosts.require("192.168.7.9").host.name == "192.168.7.9:11434"


@pytest.fixture
def driven() -> Iterator[Driven]:
    """An app with the same hosts in its list."""
    with Driven() as app:
        for one in THERE:
            app.app.world.resource(OllamaHosts).add(one.base_url, one.name)
        app.update()
        yield app


@pytest.mark.parametrize(("address", "name", "said"), REFUSED)
def test_the_list_and_the_panel_refuse_the_same(address: str, name: str, said: str, driven: Driven) -> None:
    hosts = driven.app.world.resource(OllamaHosts)
    before = [(one.host.name, one.base_url) for one in hosts.all()]
    with pytest.raises(HostListError) as refused:
        hosts.add(address, name)
    assert said in str(refused.value)
    panel = LocalModelsPanel()
    driven.app.world.spawn(panel)
    driven.write(AddHostRequested(address, name))
    driven.update()
    assert said in (panel.host_error or "")
    driven.write(EditHostRequested(before[0][0], address, name))
    driven.update()
    assert said in (panel.host_error or "")
    assert [(one.host.name, one.base_url) for one in hosts.all()] == before


def test_what_a_host_was_called_before_there_was_the_rule_keeps_nobody_from_changing_it() -> None:
    there = [Known("lab", "http://127.0.0.1:2"), Known("gpu", "http://10.0.0.7:11434")]
    former = Known("127.0.0.1:2", "http://127.0.0.1:1")
    assert why_refused(there, former.base_url, former.name, former) is None
    dashed = Known("-x", "http://127.0.0.1:5")
    assert why_refused(there, "http://127.0.0.1:6", "-x", dashed) is None
    assert why_refused(there, "http://127.0.0.1:3", former.name, former) is None
    other = Known("other", "http://gpu:11434")
    assert why_refused(there, other.base_url, "third", other) is None
    refusal = why_refused(there, other.base_url, "gpu:11434", None)
    assert refusal is not None
    assert refusal.name == "http://10.0.0.7:11434"  # its name would lead to another one
