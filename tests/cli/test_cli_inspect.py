"""``ecs-localai inspect``: what is in the world."""

from __future__ import annotations

import msgspec
import pytest

from ecs_localai.runtime import AppDescription
from tests.cli.cli_parts import Cli
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer

SETS = ("HOST_CONNECTION", "MODEL_MANAGEMENT", "INSTALLATION_TRACKING", "PERFORMANCE_MONITORING", "UI_UPDATE")


def test_it_shows_the_sets_and_systems_in_the_order_they_run(cli: Cli) -> None:
    ended = cli.run("inspect", "--host", f"127.0.0.1:{closed_port()}")
    assert (ended.code, ended.err) == (0, "")
    places = [ended.out.index(f"LocalModelsSystemSet.{name} [") for name in SETS]
    assert places == sorted(places)
    assert "monitor_ollama_connection\n" in ended.out
    assert ", timing off" in ended.lines[0]


def test_timing_measures_each_system_for_so_many_frames(cli: Cli) -> None:
    host = f"127.0.0.1:{closed_port()}"
    ended = cli.run("inspect", "--timing", "--frames", "5", "--json", "--host", host)
    assert (ended.code, ended.err) == (0, "")
    (line,) = ended.lines
    described = msgspec.json.decode(line, type=AppDescription)
    assert (described.frame, described.timing) == (5, True)
    (update,) = [one for one in described.schedules if one.name == "Update"]
    times = [system.times for stage in update.stages for system in stage.systems]
    assert times
    assert all(one is not None and one.runs >= 1 and one.last_seconds is not None for one in times)


@pytest.mark.ollama
def test_it_waits_until_the_server_has_answered(cli: Cli, ollama_server: OllamaServer) -> None:
    ended = cli.run("inspect", "--json", "--host", ollama_server.host_port)
    assert (ended.code, ended.err) == (0, "")
    described = msgspec.json.decode(ended.out, type=AppDescription)
    written = {event.name: event.written for event in described.events}
    assert written["OllamaConnectionStatusChanged"] == 1
    assert written["InstalledModelsChanged"] == 1
    assert described.components["OllamaHostManager"] == 1


def test_a_bad_address_is_an_error(cli: Cli) -> None:
    assert cli.run("inspect", "--host", "not an address").error
