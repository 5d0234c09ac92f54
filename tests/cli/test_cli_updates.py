"""``ecs-localai outdated`` and ``update``, against a real Ollama and a real registry."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.cli_parts import Cli
from tests.rig.model_files import TINY_PARAMETERS, create_model, tiny_gpt2, write_gguf
from tests.rig.ollama_program import OllamaProgram, find_ollama
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.rig.relay import Relay
from tests.systems.systems_parts import LateEmptyManifests

pytestmark = [pytest.mark.ollama, pytest.mark.registry]


@pytest.fixture
def pulled(
    fresh_ollama: OllamaServer, registry: Registry, ollama_server: OllamaServer, tmp_path: Path
) -> Iterator[str]:
    """A model that was pulled from a tag of its own."""
    # With weights of its own: a server takes up a push of the same file that was broken off before (0.9.3).
    file = write_gguf(tmp_path / "former.gguf", 500_000, seed=63)
    create_model(ollama_server, "former:latest", file, parameters=TINY_PARAMETERS)
    name = registry.push(ollama_server, "former:latest", "cli-moving:1")
    ollama_server.delete("former:latest")
    answer = fresh_ollama.call("POST", "/api/pull", {"model": name, "insecure": True}, timeout=60)
    assert answer.json_lines()[-1].get("status") == "success", answer.body
    yield name
    registry.delete_tag("cli-moving:1")


def _move(registry: Registry, server: OllamaServer, folder: Path) -> None:
    file = write_gguf(folder / "newer.gguf", 500_000, seed=79)
    create_model(server, "newer:latest", file, parameters=TINY_PARAMETERS)
    registry.push(server, "newer:latest", "cli-moving:1")
    server.delete("newer:latest")


def test_a_moved_tag_is_listed_updated_and_then_current(
    cli: Cli, fresh_ollama: OllamaServer, registry: Registry, ollama_server: OllamaServer, pulled: str, tmp_path: Path
) -> None:
    host = ("--host", fresh_ollama.base_url)
    ended = cli.run("outdated", *host)
    assert (ended.code, ended.err) == (0, "")
    assert ended.lines[0].split() == ["NAME", "STATE", "PUSHED", "REMARK"]
    assert ended.lines[1].split() == [pulled, "current", "-", "-"]
    nothing = cli.run("update", "--all", *host)
    assert (nothing.code, nothing.out) == (0, "Nothing is outdated.\n")
    assert cli.run("update", pulled, *host).out == f"{pulled} is current.\n"
    _move(registry, ollama_server, tmp_path)
    ended = cli.run("outdated", *host)
    assert ended.lines[1].split()[:2] == [pulled, "outdated"]
    assert ended.lines[-1] == "1 model has an update: ecs-localai update --all"
    (told,) = cli.run("outdated", "--json", *host).objects
    assert (told["name"], told["state"], told["host"]) == (pulled, "Outdated", fresh_ollama.base_url)
    updated = cli.run("update", "--all", *host)
    assert updated.code == 0, updated
    assert f"Installed {pulled}" in updated.out
    (told,) = cli.run("outdated", "--json", *host).objects
    assert told["state"] == "Current"


def test_where_the_registry_cannot_be_asked_it_is_said_how_it_was(
    cli: Cli, fresh_ollama: OllamaServer, registry: Registry, pulled: str
) -> None:
    assert cli.run("hosts", "add", fresh_ollama.host_port, "--name", "box", "--default").code == 0
    with Relay("127.0.0.1", registry.port) as relay:
        name = f"localhost:{relay.port}/library/cli-moving:1"
        answer = fresh_ollama.call("POST", "/api/pull", {"model": name, "insecure": True}, timeout=60)
        assert answer.json_lines()[-1].get("status") == "success", answer.body
        fresh_ollama.delete(pulled)
        (online,) = cli.run("outdated", "--json").objects
        assert (online["state"], online["reason"]) == ("Current", "")
        relay.refuse()
        for _ in range(2):  # what could not be found out takes nothing away of what is known
            (offline,) = cli.run("outdated", "--json").objects
            assert (offline["state"], offline["checked_at"]) == ("Current", online["checked_at"])
            assert str(offline["reason"]).startswith("As it was just now: ")
        ended = cli.run("update", "--all")
        assert ended.code == 0
        assert ended.out.startswith("Nothing is known to be outdated, but one model could not be looked up: ")


def test_a_model_of_ones_own_is_not_replaced(cli: Cli, fresh_ollama: OllamaServer, pulled: str, tmp_path: Path) -> None:
    host = ("--host", fresh_ollama.base_url)
    own = write_gguf(tmp_path / "own.gguf", 500_000, seed=6)
    create_model(fresh_ollama, pulled, own, parameters=TINY_PARAMETERS)
    ended = cli.run("update", pulled, *host)
    assert ended.error.startswith(f"{pulled} was not updated: It was made on this host")
    assert cli.run("update", "--all", *host).out == "Nothing is outdated.\n"


def test_what_is_not_there_is_said(cli: Cli, fresh_ollama: OllamaServer) -> None:
    ended = cli.run("update", "nosuch:1", "--host", fresh_ollama.base_url)
    assert ended.error == "There is no model nosuch:1; `ecs-localai list` shows what is installed."
    assert cli.run("outdated", "--host", fresh_ollama.base_url).out == "There is no model to compare.\n"


def test_what_is_to_be_updated_has_to_be_said(cli: Cli) -> None:
    for arguments in ((), ("tiny", "--all")):
        ended = cli.run("update", *arguments)
        assert ended.code == 2
        assert "--all" in ended.err


def test_nothing_is_pulled_over_a_model_from_what_shows_no_manifest(
    cli: Cli, fresh_ollama: OllamaServer, pulled: str
) -> None:
    host = ("--host", fresh_ollama.base_url)
    with LateEmptyManifests() as odd:
        name = f"localhost:{odd.port}/library/wip:latest"
        assert fresh_ollama.call("POST", "/api/copy", {"source": pulled, "destination": name}).status == 200
        ended = cli.run("update", name, "--insecure", *host)
        assert ended.error.startswith(f"{name} was not updated: localhost:{odd.port} doesn't answer as a registry of ")
        assert "Installing" not in ended.out
        ended = cli.run("update", "--all", *host)
        assert (ended.code, ended.err) == (0, "")
        assert ended.out.startswith("Nothing is known to be outdated, but one model could not be looked up: localhost:")
        assert cli.run("install", name, "--anyway", *host).error.startswith(f"localhost:{odd.port} doesn't answer as")
        assert all(one.startswith("GET /v2/library/wip/manifests/") for one in odd.requests)
    assert fresh_ollama.call("POST", "/api/show", {"model": name}).status == 200


def _push_more(registry: Registry, server: OllamaServer, tag: str) -> None:
    """The tag gets the weights of the tiny model and a template."""
    create_model(server, "more:latest", tiny_gpt2(), parameters=TINY_PARAMETERS, template="{{ .Prompt }} and more")
    registry.push(server, "more:latest", tag)
    server.delete("more:latest")


def _write_otherwise(registry: Registry) -> None:
    """The same manifest with spaces, which Ollama before 0.19 does not keep."""
    registry.put_manifest("cli-moving:1", json.dumps(registry.manifest("cli-moving:1"), indent=3).encode())


@pytest.fixture
def hidden(tmp_path: Path) -> Iterator[OllamaServer]:
    """A server whose models only it sees, as in a container: their folder is a file system of its own namespace."""
    if not shutil.which("unshare"):
        pytest.skip("namespaces need Linux, and util-linux")
    real = find_ollama()
    program = tmp_path / "hidden ollama"
    mount = 'mount -t tmpfs tmpfs "$OLLAMA_MODELS" && exec "$@"'
    program.write_text(f"#!/bin/sh\nexec unshare --mount sh -c '{mount}' sh {shlex.quote(str(real.path))} \"$@\"\n")
    program.chmod(0o755)
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"namespaces aren't allowed here: {tried.stderr.strip()}")
    with OllamaServer(program=OllamaProgram(program, real.environment)) as server:
        yield server


def test_what_is_possibly_outdated_is_said_with_how_to_update_it(
    cli: Cli, hidden: OllamaServer, registry: Registry, ollama_server: OllamaServer, pulled: str
) -> None:
    host = ("--host", hidden.base_url)
    other = registry.push(ollama_server, "tiny:latest", "cli-moving:2")
    for name in (pulled, other):
        answer = hidden.call("POST", "/api/pull", {"model": name, "insecure": True}, timeout=60)
        assert answer.json_lines()[-1].get("status") == "success", answer.body
    assert not list(hidden.models_dir.iterdir()), "its models are ours to see"
    _write_otherwise(registry)
    _push_more(registry, ollama_server, "cli-moving:2")
    told = {one["name"]: one for one in cli.run("outdated", "--json", *host).objects}
    assert (told[pulled]["state"], told[pulled]["may_be_another"]) == ("Possibly", False)
    assert told[other]["state"] == "Outdated"
    ended = cli.run("update", "--all", *host)
    assert (ended.code, ended.err) == (0, "")
    assert ended.lines[0] == f"Besides, one model may be outdated; to update: ecs-localai update {pulled}"
    assert f"Installed {other}" in ended.out
    ended = cli.run("update", "--all", *host)
    assert (ended.code, ended.err) == (0, "")
    assert ended.lines == [
        f"Nothing is known to be outdated, but one model may be; to update: ecs-localai update {pulled}"
    ]
    ended = cli.run("update", pulled, *host)
    assert (ended.code, ended.err) == (0, "")
    assert f"Installed {pulled}" in ended.out
    registry.delete_tag("cli-moving:2")


def test_what_was_just_installed_is_current_however_its_registry_writes_it(
    cli: Cli, hidden: OllamaServer, registry: Registry, pulled: str
) -> None:
    """It is remembered what was installed, so that not even the last model of a run is only perhaps current."""
    assert cli.run("hosts", "add", hidden.host_port, "--name", "box", "--default").code == 0
    _write_otherwise(registry)
    assert cli.run("install", pulled).code == 0
    (told,) = cli.run("outdated", "--json").objects
    assert (told["name"], told["state"]) == (pulled, "Current")
    assert cli.run("update", "--all").out == "Nothing is outdated.\n"
