"""``ecs-localai create`` on a real Ollama."""

from __future__ import annotations

import pytest

from tests.cli.cli_parts import Cli
from tests.rig.model_files import create_model, tiny_gpt2, write_gguf
from tests.rig.ollama_server import OllamaServer

pytestmark = pytest.mark.ollama


@pytest.fixture
def server(fresh_ollama: OllamaServer) -> OllamaServer:
    """A server with a model to make others of."""
    create_model(fresh_ollama, "base:1", tiny_gpt2(), system="Old", parameters={"seed": 1, "stop": ["x"]})
    return fresh_ollama


@pytest.fixture
def host(server: OllamaServer) -> tuple[str, str]:
    """The options that name the server."""
    return "--host", server.host_port


def shown(server: OllamaServer, name: str) -> dict[str, object]:
    """What a model says of itself."""
    reply = server.call("POST", "/api/show", {"model": name}).json()
    parameters = sorted(" ".join(line.split()) for line in str(reply.get("parameters", "")).splitlines())
    return {"system": reply["system"], "template": reply["template"], "parameters": parameters}


def test_a_model_of_another_one_has_what_is_said_and_the_rest_of_that(
    cli: Cli, host: tuple[str, str], server: OllamaServer
) -> None:
    (cli.data_dir / "template.txt").write_text("{{ .System }}: {{ .Prompt }}")
    ended = cli.run(
        "create", "helper:1", "--from", "BASE:1", "--system", "Be brief.", "--template", "template.txt",
        "--parameter", "temperature=0.5", "-p", "stop=</s>", "-p", 'stop="a b"', *host,
    )  # fmt: skip
    assert (ended.code, ended.err) == (0, "")
    assert ended.lines[-1].startswith("Installed helper:1 (")
    assert shown(server, "helper:1") == {
        "system": "Be brief.",
        "template": "{{ .System }}: {{ .Prompt }}",
        "parameters": ["seed 1", 'stop "</s>"', 'stop "a b"', "temperature 0.5"],
    }


def test_a_modelfile_is_made_and_what_is_said_besides_counts_for_more(
    cli: Cli, host: tuple[str, str], server: OllamaServer
) -> None:
    (cli.data_dir / "Modelfile").write_text('FROM base:1\nSYSTEM """Be\nMario."""\nPARAMETER temperature 0.1\n')
    assert cli.run("create", "mario", "--modelfile", "Modelfile", "-p", "temperature=0.9", "--json", *host).code == 0
    made = shown(server, "mario")
    assert made["system"] == "Be\nMario."
    assert made["parameters"] == ["seed 1", 'stop "x"', "temperature 0.9"]


def test_a_file_can_be_what_it_is_made_of(cli: Cli, host: tuple[str, str], server: OllamaServer) -> None:
    write_gguf(cli.data_dir / "weights.gguf", 500_000)
    assert cli.run("create", "filed", "--from", "weights.gguf", "--system", "Hi", *host).code == 0
    assert shown(server, "filed")["system"] == "Hi"


def test_a_model_that_is_there_is_only_overwritten_where_that_is_said(
    cli: Cli, host: tuple[str, str], server: OllamaServer
) -> None:
    refused = cli.run("create", "base:1", "--from", "base:1", "--system", "New", *host)
    assert "There is a model base:1 already" in refused.error
    assert shown(server, "base:1")["system"] == "Old"
    assert cli.run("create", "base:1", "--from", "base:1", "--system", "New", "--replace", *host).code == 0
    assert shown(server, "base:1")["system"] == "New"


def test_what_cannot_be_made_is_told(cli: Cli, host: tuple[str, str], server: OllamaServer) -> None:
    (cli.data_dir / "Modelfile").write_text("FROM base:1\nHELLO world\n")
    (cli.data_dir / "bad.tmpl").write_text("{{ .Foo")
    said = {
        "nothing:1 is not installed on this host; install it first": ["--from", "nothing:1"],
        "There is no file none.gguf": ["--from", "none.gguf"],
        "There is no file ~nobody.gguf": ["--from", "~nobody.gguf"],
        "Line 2: HELLO is no command": ["--modelfile", "Modelfile"],
        "is not there; name the Modelfile": ["--modelfile", "nowhere"],
        "Ollama cannot read the template": ["--from", "base:1", "--template", "bad.tmpl"],
        "temperature is a number": ["--from", "base:1", "-p", "temperature=warm"],
        "did you mean temperature?": ["--from", "base:1", "-p", "temprature=1"],
        "Ollama knows no setting bogus; correct or remove it.": ["--from", "base:1", "-p", "bogus=1"],
        "Ollama knows no setting bogus2; correct": ["--from", "base:1", "-p", "bogus2"],
        "can quantise F16 and F32 models only": ["--from", "base:1", "--quantize", "q4_K_M"],
    }
    for words, options in said.items():
        assert words in cli.run("create", "new", *options, *host).error
    assert cli.run("create", "new", *host).code == 2
    assert cli.run("create", "new", "--from", "a", "--modelfile", "b", *host).code == 2
    assert "has a space in it" in cli.run("create", "a b", "--from", "base:1", *host).error
    assert server.model_names() == ["base:1"]
