"""``ecs-localai import`` on a real Ollama."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.cli.cli_parts import Cli, without_escapes
from tests.rig.model_files import smollm2, tiny_gpt2, write_gguf
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.waiting import wait_until
from tests.store.store_parts import small_disk
from tests.systems.creating_parts import shards_of

pytestmark = pytest.mark.ollama


@pytest.fixture
def host(fresh_ollama: OllamaServer) -> tuple[str, str]:
    """The options that name the server."""
    return "--host", fresh_ollama.host_port


def test_a_file_becomes_a_model_named_after_itself(cli: Cli, host: tuple[str, str], fresh_ollama: OllamaServer) -> None:
    ended = cli.run("import", str(tiny_gpt2()), *host)
    assert (ended.code, ended.err) == (0, "")
    assert ended.lines[0].startswith("Installing tiny-gpt2:latest")
    assert ended.lines[-1].startswith("Installed tiny-gpt2:latest (")
    again = cli.run("import", str(tiny_gpt2()), *host)
    assert again.lines[-1].startswith("Installed tiny-gpt2-2:latest (")
    assert set(fresh_ollama.model_names()) == {"tiny-gpt2:latest", "tiny-gpt2-2:latest"}


def test_a_name_that_is_taken_needs_replace(cli: Cli, host: tuple[str, str], fresh_ollama: OllamaServer) -> None:
    path = write_gguf(cli.data_dir / "other.gguf", 500_000)
    assert cli.run("import", str(tiny_gpt2()), "--name", "Mine:1", *host).code == 0
    refused = cli.run("import", str(path), "--name", "mine:1", *host)
    assert refused.error == ("There is a model Mine:1 already; choose another name, or say --replace to overwrite it.")
    before = size_of(fresh_ollama, "Mine:1")
    assert cli.run("import", str(path), "--name", "mine:1", "--replace", *host).code == 0
    assert fresh_ollama.model_names() == ["Mine:1"]
    assert size_of(fresh_ollama, "Mine:1") < before
    assert cli.run("import", str(path), "--replace", *host).code == 2


def size_of(server: OllamaServer, name: str) -> int:
    """What a model takes on the disk."""
    models = server.call("GET", "/api/tags").json()["models"]
    assert isinstance(models, list)
    return next(int(one["size"]) for one in models if one["name"] == name)


def test_json_tells_every_step(cli: Cli, host: tuple[str, str], fresh_ollama: OllamaServer) -> None:
    ended = cli.run("import", str(smollm2()), "--name", "smol", "--json", *host)
    assert (ended.code, ended.err) == (0, "")
    names = [one["event"] for one in ended.objects]
    assert names[0] == "ModelInstallationStarted"
    assert names[-1] == "ModelInstallationCompleted"
    shares = [one["fraction"] for one in ended.objects if one["event"] == "ModelInstallationProgress"]
    known = [share for share in shares if isinstance(share, float)]
    assert known == sorted(known)
    assert {one["host"] for one in ended.objects} == {fresh_ollama.base_url}


def test_parts_are_found_beside_the_one_that_is_named_and_missing_ones_told(
    cli: Cli, host: tuple[str, str], tmp_path: Path
) -> None:
    parts = shards_of(tiny_gpt2(), tmp_path, 3, "Big Model")
    assert cli.run("import", str(parts[0]), "--name", "whole", *host).lines[-1].startswith("Installed whole:latest")
    parts[2].unlink()
    ended = cli.run("import", str(parts[0]), *host)
    assert "is one of 3 parts, and Big Model-00003-of-00003.gguf is not beside it" in ended.error


def test_a_modelfile_with_a_relative_path_is_made(cli: Cli, host: tuple[str, str], fresh_ollama: OllamaServer) -> None:
    folder = cli.data_dir / "mario"
    folder.mkdir()
    write_gguf(folder / "weights.gguf", 500_000)
    (folder / "Modelfile").write_text("FROM ./weights.gguf\nSYSTEM Be Mario.\nPARAMETER mirostat 2\n")
    ended = cli.run("import", "mario/Modelfile", "--name", "mario", *host)
    assert ended.code == 0
    assert ended.err == "Note: Line 3: Ollama knows the parameter mirostat no more, so it is left out.\n"
    assert fresh_ollama.call("POST", "/api/show", {"model": "mario"}).json()["system"] == "Be Mario."


def test_what_is_no_model_is_told_before_any_host_is_asked(cli: Cli) -> None:
    (cli.data_dir / "page.gguf").write_text("<!doctype html>")
    where = "--host", f"127.0.0.1:{closed_port()}"
    ended = cli.run("import", "page.gguf", *where)
    assert ended.error.startswith("page.gguf is a web page, not a GGUF file; ")
    assert "can't be read (no such file or directory)" in cli.run("import", "none.gguf", *where).error
    assert "~nobody.gguf can't be read" in cli.run("import", "~nobody.gguf", *where).error
    assert "Ollama" in cli.run("import", str(tiny_gpt2()), *where).error
    assert cli.run("import").code == 2


def test_a_disk_that_is_too_small_is_said_before_and_can_be_used_anyway(cli: Cli, tmp_path: Path) -> None:
    """A gigabyte is to stay free; what is to come fits nevertheless."""
    with small_disk(tmp_path / "disk", "64m") as disk, OllamaServer(disk) as server:
        refused = cli.run("import", str(tiny_gpt2()), "--name", "mine:1", "--host", server.host_port)
        assert refused.error.startswith("The models' disk has 6")
        assert refused.error.endswith(" To try it all the same: --anyway")
        assert refused.out == ""
        assert not list(disk.glob("blobs/*"))
        made = cli.run("import", str(tiny_gpt2()), "--name", "mine:1", "--anyway", "--host", server.host_port)
        assert (made.code, made.err) == (0, "")
        assert server.model_names() == ["mine:1"]


def test_several_hosts_get_it_under_one_name(cli: Cli, fresh_ollama: OllamaServer, ollama_server: OllamaServer) -> None:
    for name, server in (("a", fresh_ollama), ("b", ollama_server)):
        assert cli.run("hosts", "add", server.host_port, "--name", name).code == 0
    try:
        ended = cli.run("import", str(tiny_gpt2()), "--name", "both:1", "--on", "a", "--on", "b")
        assert (ended.code, ended.err) == (0, "")
        assert "both:1" in fresh_ollama.model_names()
        assert "both:1" in ollama_server.model_names()
        refused = cli.run("import", str(tiny_gpt2()), "--name", "both:1", "--on", "a", "--on", "b")
        assert "There is a model both:1 already on a;" in refused.err
        assert "There is a model both:1 already on b;" in refused.err
    finally:
        ollama_server.delete("both:1")


def test_ctrl_c_ends_it_cleanly(cli: Cli, host: tuple[str, str], fresh_ollama: OllamaServer) -> None:
    big = write_gguf(cli.data_dir / "big.gguf", 400_000_000)
    with cli.start("import", str(big), "--json", *host) as running:
        running.wait_for_event("ModelInstallationProgress")
        ended = running.interrupt(signal.SIGINT)
    assert ended.code == 1, ended
    assert "Stopped before big:latest was complete" in ended.err
    assert "Traceback" not in ended.err
    assert fresh_ollama.model_names() == []
    blobs = fresh_ollama.models_dir / "blobs"
    wait_until(lambda: not blobs.is_dir() or not any(blobs.iterdir()), 20.0, lambda: f"none of {[*blobs.iterdir()]}")


def test_a_bar_is_shown_on_a_terminal(cli: Cli, host: tuple[str, str]) -> None:
    ended = cli.on_terminal("import", str(smollm2()), "--name", "smol", *host)
    assert ended.code == 0
    shown = without_escapes(ended.out)
    assert "checking the files" in shown
    assert "Installed smol:latest (" in shown
