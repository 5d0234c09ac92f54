"""``ecs-localai list``, ``ps``, ``show`` and ``remove`` on a real Ollama."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.cli_parts import Cli, without_escapes
from tests.rig.ollama_server import OllamaServer

pytestmark = pytest.mark.ollama


@pytest.fixture
def host(ollama_server: OllamaServer) -> tuple[str, str]:
    """The options that name the shared server."""
    return "--host", ollama_server.host_port


@pytest.fixture
def spare(ollama_server: OllamaServer) -> Iterator[str]:
    """A model that may be removed."""
    ollama_server.call("POST", "/api/copy", {"source": "tiny:latest", "destination": "spare:1"})
    yield "spare:1"
    ollama_server.delete("spare:1")


def test_list_shows_a_table(cli: Cli, host: tuple[str, str]) -> None:
    ended = cli.run("list", *host)
    assert (ended.code, ended.err) == (0, "")
    assert ended.lines[0].split() == [
        "NAME", "SIZE", "QUANTIZATION", "PARAMETERS", "CONTEXT", "CAPABILITIES", "MODIFIED",
    ]  # fmt: skip
    rows = {line.split()[0]: line.split() for line in ended.lines[1:]}
    assert rows["smollm2:135m"][:7] == ["smollm2:135m", "98", "MB", "Q4_1", "134.52M", "8,192", "completion"]
    assert rows["tiny:latest"][3] == "-"


def test_list_tells_programs_the_same(cli: Cli, host: tuple[str, str], ollama_server: OllamaServer) -> None:
    ended = cli.run("list", "--json", *host)
    assert (ended.code, ended.err) == (0, "")
    models = {str(one["name"]): one for one in ended.objects}
    assert sorted(models) == ollama_server.model_names()
    model = models["smollm2:135m"]
    assert model["context_length"] == 8192
    assert model["parameter_count"] == 134515008
    assert model["capabilities"] == ["completion"]
    assert model["host"] == ollama_server.base_url
    modified = datetime.fromisoformat(str(model["modified_at"]))
    assert timedelta(0) <= datetime.now(UTC) - modified < timedelta(hours=1)


def test_list_on_a_terminal_has_colours_unless_they_are_unwanted(cli: Cli, host: tuple[str, str]) -> None:
    coloured = cli.on_terminal("list", *host)
    plain = cli.on_terminal("list", *host, env={"NO_COLOR": "1"})
    assert (coloured.code, plain.code) == (0, 0)
    assert "smollm2:135m" in plain.out
    assert "\x1b[1m" in coloured.out
    assert "\x1b[3" not in plain.out  # no colour; bold is no colour
    assert without_escapes(coloured.out).split()[:7] == without_escapes(plain.out).split()[:7]


def test_an_empty_server_is_told_what_to_do(cli: Cli, fresh_ollama: OllamaServer) -> None:
    host = ("--host", fresh_ollama.host_port)
    ended = cli.run("list", *host)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == "No models yet. Install one, for example: ecs-localai install llama3.2:1b\n"
    ended = cli.run("list", "--json", *host)
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    ended = cli.run("ps", *host)
    assert (ended.code, ended.out, ended.err) == (0, "No model is loaded.\n", "")


def test_ps_shows_what_is_loaded(cli: Cli, host: tuple[str, str], ollama_server: OllamaServer) -> None:
    ollama_server.call("POST", "/api/generate", {"model": "tiny", "keep_alive": 600, "stream": False})
    try:
        table = cli.run("ps", *host)
        data = cli.run("ps", "--json", *host)
    finally:
        ollama_server.call("POST", "/api/generate", {"model": "tiny", "keep_alive": 0, "stream": False})
    assert (table.code, table.err, data.code, data.err) == (0, "", 0, "")
    row = next(line.split() for line in table.lines if line.startswith("tiny:latest"))
    assert row[3] == "CPU"
    assert row[-3:] in (["in", "10", "min"], ["in", "9", "min"])
    loaded = {str(one["name"]): one for one in data.objects}["tiny:latest"]
    assert loaded["size_vram"] == 0
    assert loaded["pinned"] is False
    left = datetime.fromisoformat(str(loaded["expires_at"])) - datetime.now(UTC)
    assert timedelta(minutes=8) < left < timedelta(minutes=10)


def test_show_tells_what_a_model_is(cli: Cli, host: tuple[str, str]) -> None:
    ended = cli.run("show", "smollm2:135m", *host)
    assert (ended.code, ended.err) == (0, "")
    facts = {line.split("   ")[0]: line.split("   ")[-1].strip() for line in ended.lines}
    assert ended.lines[0] == "smollm2:135m"
    assert facts["Architecture"] == "llama"
    assert facts["Quantization"] == "Q4_1"
    assert facts["Context length"] == "8,192"
    assert any("<|im_end|>" in line for line in ended.lines)
    (told,) = cli.run("show", "SMOLLM2:135m", "--json", *host).objects
    info = told["model_info"]
    assert isinstance(info, dict)
    assert info["general.architecture"] == "llama"
    assert str(told["template"]).startswith("{{")
    assert "Template" in ended.lines
    assert f"  {str(told['template']).splitlines()[0]}" in ended.lines
    assert facts["Licence"] == "None is named"


def test_show_shortens_what_is_longer_than_a_screen(
    cli: Cli, host: tuple[str, str], ollama_server: OllamaServer
) -> None:
    template = "\n".join(f"{{{{- /* {number} */ -}}}}" for number in range(40)) + "{{ .Prompt }}"
    licence = "\n  Some Licence\n\n" + "It goes on.\n" * 200
    made = {"model": "wordy:1", "from": "tiny:latest", "template": template, "license": licence, "stream": False}
    assert ollama_server.call("POST", "/api/create", made).status == 200
    try:
        ended = cli.run("show", "wordy:1", *host)
        (told,) = cli.run("show", "wordy:1", "--json", *host).objects
    finally:
        ollama_server.delete("wordy:1")
    assert (ended.code, ended.err) == (0, "")
    everything = "… To see all of it: ecs-localai show wordy:1 --json"
    assert any(line.split() == ["Licence", "Some", "Licence", *everything.split()] for line in ended.lines)
    at = ended.lines.index("Template")
    assert ended.lines[at + 1 :] == [f"  {line}" for line in [*template.splitlines()[:12], everything]]
    assert (told["template"], told["license"]) == (template, licence)


def test_a_model_that_is_not_there_is_one_sentence(cli: Cli, host: tuple[str, str]) -> None:
    sentences = {
        "show": f"{host[1]} has no model nosuch:7b; install it, or check the name.",
        "remove": "There is no model nosuch:7b here; `ecs-localai list` shows what is installed.",
    }
    for command, sentence in sentences.items():
        ended = cli.run(command, "nosuch:7b", *host)
        assert ended.error == sentence
        assert ended.out == ""
        ended = cli.run(command, "no such", *host)
        assert ended.error == "The model name 'no such' has a space in it; a name has none, like llama3.2:1b."


def test_remove_removes_without_asking_where_nobody_can_answer(
    cli: Cli, host: tuple[str, str], spare: str, ollama_server: OllamaServer
) -> None:
    ended = cli.run("remove", spare, *host)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == "Removed spare:1, which freed nothing: other models share its files.\n"
    assert spare not in ollama_server.model_names()


def test_remove_tells_programs_an_event_and_goes_on_after_a_missing_one(
    cli: Cli, host: tuple[str, str], spare: str, ollama_server: OllamaServer
) -> None:
    ended = cli.run("remove", "--json", "nosuch", "SPARE:1", *host)
    assert ended.error == "There is no model nosuch:latest here; `ecs-localai list` shows what is installed."
    assert ended.objects == [
        {
            "event": "ModelDeleted",
            "model_name": "spare:1",
            "freed_bytes": 0,
            "host": ollama_server.base_url,
            "unknown_reason": "",
        }
    ]
    assert spare not in ollama_server.model_names()


def test_remove_asks_on_a_terminal(cli: Cli, host: tuple[str, str], spare: str, ollama_server: OllamaServer) -> None:
    refused = cli.on_terminal("remove", spare, *host, keys=b"n\n")
    assert refused.code == 1
    assert "Remove spare:1 (frees nothing, because other models share its files)? [y/N]" in refused.out
    assert "Nothing was removed." in refused.out
    assert spare in ollama_server.model_names()
    interrupted = cli.on_terminal("remove", spare, *host, keys=b"\x04")  # Ctrl-D
    assert interrupted.code == 1
    assert "Error: Interrupted." in interrupted.out
    assert spare in ollama_server.model_names()
    agreed = cli.on_terminal("remove", spare, *host, keys=b"y\n")
    assert agreed.code == 0
    assert spare not in ollama_server.model_names()
    ollama_server.call("POST", "/api/copy", {"source": "tiny:latest", "destination": "spare:1"})
    unasked = cli.on_terminal("remove", "--yes", spare, *host)
    assert unasked.code == 0
    assert "[y/N]" not in unasked.out
    assert spare not in ollama_server.model_names()
