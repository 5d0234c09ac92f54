"""``ecs-localai load``, ``pin`` and ``unload`` on a real Ollama."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import gguf
import psutil
import pytest
from gguf.scripts.gguf_new_metadata import MetadataDetails, copy_with_new_metadata

from tests.cli.cli_parts import Cli, without_escapes
from tests.rig.model_files import TINY_PARAMETERS, create_model, tiny_gpt2, write_gguf
from tests.rig.odd_servers import Silent, closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.waiting import wait_until

pytestmark = pytest.mark.ollama


def unload(server: OllamaServer, name: str) -> None:
    """Take a model out of memory, past the product, and wait until it is gone."""
    server.call("POST", "/api/generate", {"model": name, "keep_alive": 0, "stream": False})
    wait_until(lambda: not in_memory(server), 20.0, lambda: f"an empty memory instead of {in_memory(server)}", 2.0)


def in_memory(server: OllamaServer) -> dict[str, timedelta]:
    """What the server holds in memory, and for how long still."""
    models = server.call("GET", "/api/ps").json().get("models") or []
    assert isinstance(models, list)
    now = datetime.now(UTC)
    # Python knows no year after 9999 and no nanoseconds; neither matters here.
    return {one["name"]: datetime.fromisoformat(re.sub(r"\.\d+", "", one["expires_at"])) - now for one in models}


def runners(server: OllamaServer) -> list[psutil.Process]:
    """The processes that hold the server's models; not one that is only about to become such a process."""
    found = []
    for child in psutil.Process(server.pid).children():
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            if "runner" in child.cmdline():
                found.append(child)
    return found


@pytest.fixture
def server(ollama_server: OllamaServer) -> Iterator[OllamaServer]:
    """The shared server, with nothing in memory before and after."""
    unload(ollama_server, "tiny")
    yield ollama_server
    unload(ollama_server, "tiny")


@pytest.fixture
def host(server: OllamaServer) -> tuple[str, str]:
    """The options that name the server."""
    return "--host", server.host_port


@pytest.fixture
def spare(server: OllamaServer) -> Iterator[str]:
    """Another name of ``tiny``."""
    server.call("POST", "/api/copy", {"source": "tiny:latest", "destination": "spare:1"})
    yield "spare:1"
    server.delete("spare:1")


def test_load_says_how_long_it_took_and_how_long_it_stays(
    cli: Cli, host: tuple[str, str], server: OllamaServer
) -> None:
    ended = cli.run("load", "TINY", *host)
    assert (ended.code, ended.err) == (0, "")
    said = r"Loaded tiny:latest in [\d.]+ s\. It leaves memory in 5 min if nobody uses it\.\n"
    assert re.fullmatch(said, ended.out), ended.out
    assert timedelta(minutes=4) < in_memory(server)["tiny:latest"] < timedelta(minutes=5)


def test_what_is_pinned_stays_until_it_is_loaded_otherwise(
    cli: Cli, host: tuple[str, str], server: OllamaServer
) -> None:
    ended = cli.run("pin", "tiny", *host)
    assert (ended.code, ended.err) == (0, "")
    assert re.fullmatch(r"Loaded tiny:latest in [\d.]+ s\. It stays until it is unloaded\.\n", ended.out), ended.out
    assert in_memory(server)["tiny:latest"] > timedelta(days=36_500)
    (told,) = cli.run("load", "tiny", "--pin", "--json", *host).objects
    took = told.pop("load_time")
    assert isinstance(took, str)
    assert took.startswith("PT")
    assert told == {
        "event": "ModelLoaded", "model_name": "tiny:latest", "pinned": True, "host": server.base_url,
        "is_loaded": True, "expires_at": None,
    }  # fmt: skip
    (told,) = cli.run("load", "tiny", "--json", *host).objects
    assert told["pinned"] is False
    left = datetime.fromisoformat(str(told["expires_at"])) - datetime.now(UTC)
    assert timedelta(minutes=4) < left < timedelta(minutes=5)
    assert in_memory(server)["tiny:latest"] < timedelta(minutes=5)


def test_unload_waits_until_it_has_left_memory_and_says_what_was_not_loaded(
    cli: Cli, host: tuple[str, str], server: OllamaServer
) -> None:
    assert cli.run("load", "tiny", *host).code == 0
    ended = cli.run("unload", "tiny", *host)
    assert (ended.code, ended.out, ended.err) == (0, "Unloaded tiny:latest.\n", "")
    assert in_memory(server) == {}
    ended = cli.run("unload", "tiny", *host)
    assert (ended.code, ended.out, ended.err) == (0, "tiny:latest is not loaded.\n", "")
    ended = cli.run("unload", "tiny", "--json", *host)
    assert (ended.code, ended.out, ended.err) == (0, "", "Note: tiny:latest is not loaded.\n")
    assert cli.run("load", "tiny", *host).code == 0
    ended = cli.run("unload", "tiny", "--json", *host)
    assert ended.objects == [{"event": "ModelUnloaded", "model_name": "tiny:latest", "host": server.base_url}]


def test_two_names_of_one_model_share_what_is_in_memory(
    cli: Cli, host: tuple[str, str], server: OllamaServer, spare: str
) -> None:
    ended = cli.run("load", "tiny", spare, "--json", *host)
    assert (ended.code, ended.err) == (0, "")
    assert [(one["model_name"], one["is_loaded"]) for one in ended.objects] == [("tiny:latest", True), (spare, True)]
    assert list(in_memory(server)) == ["tiny:latest"]
    ended = cli.run("unload", spare, *host)
    assert (ended.code, ended.out, ended.err) == (0, "Unloaded spare:1.\n", "")
    assert in_memory(server) == {}


def test_a_model_made_from_another_shares_its_memory(cli: Cli, host: tuple[str, str], server: OllamaServer) -> None:
    """It has the same weights under another digest, and the host lists them by one name (Ollama 0.9.3)."""
    made = "tiny-polite:latest"
    assert cli.run("create", made, "--from", "tiny", "--system", "Be polite.", *host).code == 0
    try:
        assert cli.run("load", "tiny", *host).code == 0
        ended = cli.run("pin", made, *host)
        assert (ended.code, ended.err) == (0, "")
        assert re.fullmatch(rf"Loaded {made} in [\d.]+ s\. It stays until it is unloaded\.\n", ended.out), ended.out
        assert list(in_memory(server)) == ["tiny:latest"]
        (told,) = cli.run("load", made, "--pin", "--json", *host).objects
        assert (told["is_loaded"], told["pinned"]) == (True, True)
        assert [one["shared_by"] for one in cli.run("ps", "--json", *host).objects] == [[made]]
        ended = cli.run("unload", made, *host)
        assert (ended.code, ended.out, ended.err) == (0, f"Unloaded {made}.\n", "")
        assert in_memory(server) == {}
    finally:
        server.delete(made)


@pytest.mark.usefixtures("ollama_server")  # which skips where there is no Ollama
def test_a_model_that_had_to_make_room_for_the_next_is_told(cli: Cli, tmp_path: Path) -> None:
    with OllamaServer(env={"OLLAMA_MAX_LOADED_MODELS": "1"}) as server:
        create_model(server, "tiny:latest", tiny_gpt2(), parameters=TINY_PARAMETERS)
        create_model(server, "other:1", write_gguf(tmp_path / "other.gguf", 900_000), parameters=TINY_PARAMETERS)
        ended = cli.run("load", "tiny", "other:1", "--host", server.host_port)
        told = cli.run("pin", "tiny", "other:1", "--json", "--host", server.host_port).objects
    assert (ended.code, ended.err) == (0, "")
    first, second = ended.lines
    assert first.startswith("Loaded tiny:latest in ")
    assert first.endswith(" The server does not list it as loaded: it may have made room for another model.")
    assert second.endswith(" It leaves memory in 5 min if nobody uses it.")
    assert [(one["model_name"], one["is_loaded"]) for one in told] == [("tiny:latest", False), ("other:1", True)]


def test_a_model_that_only_embeds_is_loaded_too(
    cli: Cli, host: tuple[str, str], server: OllamaServer, tmp_path: Path
) -> None:
    """Ollama takes a model with a pooling type for one, and refuses to let it generate (0.9.3)."""
    pooling = gguf.GGUFWriter(tmp_path / "embeds.gguf", "gpt2")
    mean = MetadataDetails(gguf.GGUFValueType.UINT32, int(gguf.PoolingType.MEAN), "")
    copy_with_new_metadata(gguf.GGUFReader(tiny_gpt2()), pooling, {"gpt2.pooling_type": mean}, [])
    create_model(server, "embeds:1", tmp_path / "embeds.gguf", parameters={"num_gpu": 0, "num_ctx": 512})
    try:
        ended = cli.run("pin", "embeds:1", *host)
        assert (ended.code, ended.err) == (0, "")
        assert ended.out.endswith(" It stays until it is unloaded.\n")
        assert cli.run("unload", "embeds:1", *host).out == "Unloaded embeds:1.\n"
    finally:
        unload(server, "embeds:1")
        server.delete("embeds:1")


def test_a_model_that_answers_is_said_to_be_in_use(
    cli: Cli, host: tuple[str, str], server: OllamaServer, tmp_path: Path
) -> None:
    # How long this model answers is chance: from half a second to half a minute (Ollama 0.9.3). So it is asked again
    # where it has answered before the command looked.
    create_model(server, "slow:1", write_gguf(tmp_path / "slow.gguf", 30_000_000), parameters=TINY_PARAMETERS)
    request = {"model": "slow:1", "prompt": "once", "options": {"num_predict": 1_000_000, "num_ctx": 1024}}
    said = "slow:1 is still in use: it leaves memory when it has answered.\n"
    try:
        for _ in range(10):
            with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
                connection.request("POST", "/api/generate", json.dumps(request))
                assert connection.getresponse().readline()
                ended = cli.run("unload", "slow:1", *host)
            assert (ended.code, ended.err) == (0, "")
            if ended.out == said:
                break
    finally:
        unload(server, "slow:1")
        server.delete("slow:1")
    assert ended.out == said


def test_what_cannot_be_loaded_is_said_and_the_others_are_loaded(
    cli: Cli, host: tuple[str, str], server: OllamaServer
) -> None:
    ended = cli.run("load", "nosuch:7b", "tiny", "tiny:latest", *host)
    assert ended.error == "There is no model nosuch:7b here; `ecs-localai list` shows what is installed."
    assert len(ended.lines) == 1
    assert ended.lines[0].startswith("Loaded tiny:latest in ")
    ended = cli.run("unload", "nosuch:7b", *host)
    assert ended.error == "There is no model nosuch:7b here; `ecs-localai list` shows what is installed."
    for command in ("load", "unload", "pin"):
        ended = cli.run(command, "no such", *host)
        assert ended.error == "The model name 'no such' has a space in it; a name has none, like llama3.2:1b."
        assert ended.out == ""
        nobody = closed_port()
        ended = cli.run(command, "tiny", "--host", f"127.0.0.1:{nobody}")
        assert ended.error.startswith(f"Nothing listens at 127.0.0.1:{nobody};")
        assert cli.run(command, "tiny", "--everywhere", "--on", "gpu").code == 2


def test_one_host_that_is_away_keeps_no_other_from_loading(cli: Cli, server: OllamaServer) -> None:
    for port, name in ((server.port, "here"), (closed_port(), "dead")):
        assert cli.run("hosts", "add", f"127.0.0.1:{port}", "--name", name).code == 0
    assert cli.run("hosts", "remove", "This computer").code == 0
    ended = cli.run("load", "tiny", "--everywhere")
    assert ended.error.startswith("dead: Nothing listens at")
    assert re.fullmatch(r"Loaded tiny:latest on here in [\d.]+ s\. It leaves memory in 5 min .*\n", ended.out)
    ended = cli.run("unload", "tiny", "--on", "here", "--on", "dead")
    assert ended.error.startswith("dead: Nothing listens at")
    assert ended.out == "Unloaded tiny:latest on here.\n"


def test_a_terminal_says_what_is_waited_for(cli: Cli, host: tuple[str, str]) -> None:
    loaded = cli.on_terminal("load", "tiny", *host)
    assert loaded.code == 0
    shown = without_escapes(loaded.out)
    assert "Loading tiny:latest 0:00:0" in shown
    assert shown.rstrip().splitlines()[-1].startswith("Loaded tiny:latest in ")
    unloaded = cli.on_terminal("unload", "tiny", *host)
    assert "Unloading tiny:latest 0:00:0" in without_escapes(unloaded.out)
    assert without_escapes(unloaded.out).rstrip().splitlines()[-1] == "Unloaded tiny:latest."


def test_ctrl_c_gives_up_loading_and_says_so(cli: Cli, fresh_ollama: OllamaServer) -> None:
    create_model(fresh_ollama, "tiny:latest", tiny_gpt2(), parameters=TINY_PARAMETERS)
    with cli.start("load", "tiny", "spare", "--host", fresh_ollama.host_port) as running:
        (runner,) = wait_until(lambda: runners(fresh_ollama), 30.0, lambda: f"the load to begin\n{running.err}", 0.001)
        runner.suspend()  # from here on loading takes as long as somebody likes
        ended = running.interrupt()
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.splitlines() == [
        "Error: There is no model spare:latest here; `ecs-localai list` shows what is installed.",
        "Error: Stopped before tiny:latest was loaded. The connection is closed, which makes the server give that up.",
    ]
    log = fresh_ollama.log_text
    given_up = re.compile(r'\| 499 \|.* "/api/generate"')
    wait_until(lambda: given_up.search(log()), 30.0, lambda: f"the end of the load\n{log()}")
    wait_until(lambda: not runners(fresh_ollama), 30.0, "the runner's end")
    assert in_memory(fresh_ollama) == {}


def test_ctrl_c_before_the_host_has_answered(cli: Cli) -> None:
    with Silent() as silent, cli.start("load", "tiny", "--host", f"127.0.0.1:{silent.port}") as running:
        # Its first question; others may look here for an Ollama, and ask for the version first.
        wait_until(lambda: "GET /api/tags" in silent.requests, 30.0, lambda: f"the question\n{running.err}")
        ended = running.interrupt()
    assert ended.error.startswith("Stopped before tiny:latest was loaded.")
