"""``ecs-localai find``: names that are known, the tags of a model, and what a shell offers."""

from __future__ import annotations

import pytest

from tests.cli.cli_parts import Cli
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry


@pytest.mark.ollama
def test_installed_models_are_known(cli: Cli, ollama_server: OllamaServer) -> None:
    ended = cli.run("find", "SMOL", "--host", ollama_server.base_url)
    assert (ended.code, ended.err) == (0, "")
    assert ended.lines[0].split() == ["NAME", "KNOWN", "REMARK"]
    assert [line.split()[0] for line in ended.lines[1:]] == ["smollm2:135m"]
    for more in ((), ("--json",)):
        ended = cli.run("find", "nothing-like-it", "--host", ollama_server.base_url, *more)
        assert ended.error.startswith("No model with")
        assert ended.out == ""
    assert list(cli.data_dir.iterdir()) == [], "looking creates nothing"


@pytest.mark.registry
@pytest.mark.ollama
def test_the_tags_of_a_model(cli: Cli, ollama_server: OllamaServer, registry: Registry) -> None:
    name = registry.name_for("smollm2")
    ended = cli.run("find", "--tags", name, "--host", ollama_server.base_url)
    assert (ended.code, ended.out, ended.err) == (0, f"{name}:135m\n", "")
    (told,) = cli.run("find", "--tags", name, "--json", "--host", ollama_server.base_url).objects
    assert told == {"name": name, "tags": ["135m"], "is_complete": True, "problem": ""}


@pytest.mark.registry
@pytest.mark.ollama
def test_what_was_installed_is_known_without_its_host_and_offered_by_the_shell(
    cli: Cli, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    name = registry.name_for("tiny:latest")
    assert cli.run("install", "--insecure", name, "--host", fresh_ollama.base_url).code == 0
    ended = cli.run("find", "tiny", "--host", f"127.0.0.1:{closed_port()}")
    assert ended.code == 0
    assert ended.lines[1].split()[:3] == [name, "installed", "before"]
    assert "does not answer" in ended.err
    offered = cli.run(
        env={
            "_ECS_LOCALAI_COMPLETE": "complete_bash",
            "_TYPER_COMPLETE_ARGS": "ecs-localai install localhost",
            "COMP_WORDS": "ecs-localai install localhost",
            "COMP_CWORD": "2",
        }
    )
    assert name in offered.out, offered
