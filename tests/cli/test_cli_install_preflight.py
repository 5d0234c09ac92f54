"""What ``ecs-localai install`` says before any byte moves, and what it refuses: a real registry, a real Ollama."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import gguf
import pytest
from gguf.scripts.gguf_new_metadata import MetadataDetails, copy_with_new_metadata

from tests.cli.cli_parts import Cli, without_escapes
from tests.rig.model_files import TINY_PARAMETERS, create_model, tiny_gpt2
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry

pytestmark = [pytest.mark.ollama, pytest.mark.registry]

TOO_LONG = 4_000_000_000
"""Tokens whose cache no machine has the memory for: some hundred bytes each with the tiny model."""


def preflight(objects: list[dict[str, object]]) -> dict[str, object]:
    """The only preflight among what `install --json` printed."""
    found = [one for one in objects if one.get("kind") == "preflight"]
    assert len(found) == 1
    return found[0]


def size_of(registry: Registry, name: str) -> int:
    """The bytes of all files of a model, as its manifest has them."""
    manifest = registry.manifest(name)
    layers, config = manifest["layers"], manifest["config"]
    assert isinstance(layers, list)
    assert isinstance(config, dict)
    return sum(int(layer["size"]) for layer in (*layers, config))


def test_a_dry_run_says_what_it_means_and_moves_nothing(
    cli: Cli, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    name = registry.name_for("middle:latest")
    ended = cli.run("install", name, "--insecure", "--dry-run", "--host", fresh_ollama.host_port)
    assert (ended.code, ended.err) == (0, "")
    head, *facts = ended.lines
    assert head.startswith(f"{name} · gpt2 · ")
    assert facts[0] == "  To download: 11 MB of 11 MB"
    assert facts[1].startswith("  Disk: ")
    assert facts[1].endswith(" free")
    assert facts[2].startswith("  Memory: fits: 11 MB weights + ")
    assert " cache for 512 tokens, of " in facts[2]  # what the model itself asks for
    assert fresh_ollama.model_names() == []
    assert not list(fresh_ollama.models_dir.glob("blobs/*"))
    assert not list(cli.data_dir.iterdir())  # looking keeps nothing


def test_programs_are_told_all_of_it(cli: Cli, fresh_ollama: OllamaServer, registry: Registry) -> None:
    name, host = registry.name_for("tiny:latest"), ("--host", fresh_ollama.host_port)
    ended = cli.run("install", name, "--insecure", "--json", *host)
    assert (ended.code, ended.err) == (0, "")
    told = preflight(ended.objects)
    assert ended.objects[0] is not None
    assert ended.objects[0]["event"] == "Preflight"
    total = size_of(registry, "tiny:latest")
    assert (told["model_name"], told["host"]) == (name, fresh_ollama.base_url)
    assert (told["total_bytes"], told["download_bytes"], told["problem"]) == (total, total, None)
    assert (told["is_current"], told["replaces"]) == (False, "")
    assert isinstance(told["disk_free"], int)
    layers = told["layers"]
    assert isinstance(layers, list)
    assert sum(layer["size"] for layer in layers) == total

    again = cli.run("install", name, "--insecure", "--json", *host)
    assert (again.code, again.err) == (0, "")
    told = preflight(again.objects)
    assert (told["is_current"], told["download_bytes"]) == (True, 0)
    assert len(again.objects) == 1  # there was nothing to do


def test_what_is_there_already_is_said_and_left_alone(cli: Cli, fresh_ollama: OllamaServer, registry: Registry) -> None:
    name, host = registry.name_for("tiny:latest"), ("--host", fresh_ollama.host_port)
    assert cli.run("install", name, "--insecure", *host).code == 0
    before = fresh_ollama.call("GET", "/api/tags").json()
    ended = cli.run("install", name, "--insecure", *host)
    assert (ended.code, ended.err) == (0, "")
    assert len(ended.lines) == 1
    assert ended.lines[0].endswith(" and is exactly what the registry has now.")
    assert fresh_ollama.call("GET", "/api/tags").json() == before  # pulled again it would have another date


def test_what_it_replaces_and_what_need_not_be_fetched_again(
    cli: Cli, ollama_server: OllamaServer, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    name, host = registry.name_for("moved:latest"), ("--host", fresh_ollama.host_port)
    push(ollama_server, registry, template="{{ .Prompt }}")
    assert cli.run("install", name, "--insecure", *host).code == 0
    push(ollama_server, registry, template="{{ .Prompt }} once more")
    ended = cli.run("install", name, "--insecure", "--json", *host)
    assert (ended.code, ended.err) == (0, "")
    told = preflight(ended.objects)
    assert str(told["replaces"]).startswith("It replaces the version of ")
    assert told["is_current"] is False
    download = told["download_bytes"]
    assert isinstance(download, int)
    assert 0 < download < 2000 < size_of(registry, "moved:latest")  # not the weights, which are there
    assert [one["event"] for one in ended.objects][-1] == "ModelInstallationCompleted"


def push(server: OllamaServer, registry: Registry, template: str) -> None:
    """Move the tag ``moved:latest`` of the registry to the tiny model with this template."""
    create_model(server, "made:latest", tiny_gpt2(), parameters=TINY_PARAMETERS, template=template)
    registry.push(server, "made:latest", "moved:latest")
    server.delete("made:latest")


def test_what_cannot_be_installed_is_said_before_and_the_others_are(
    cli: Cli, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    good, missing = registry.name_for("tiny:latest"), registry.name_for("nosuch:1")
    ended = cli.run("install", f"{missing},{good}", "a/b/c/d:1", "--insecure", "--host", fresh_ollama.host_port)
    why = f"The registry has no {missing}; check the spelling of the name and its tag."
    assert ended.code == 1
    assert ended.err.splitlines() == [
        "Error: a/b/c/d:1: The model name 'a/b/c/d' has 4 parts; it has three at most: registry/namespace/model.",
        f"Error: {why}",
    ]
    assert ended.out.index(f"  Cannot be installed: {why}") < ended.out.index(f"Installing {good}")
    assert fresh_ollama.model_names() == [good]
    assert cli.run("install", missing, "--insecure", "--anyway", "--host", fresh_ollama.host_port).error == why


def test_what_is_there_is_left_alone_also_where_the_registry_cannot_be_asked(
    cli: Cli, ollama_server: OllamaServer, fresh_ollama: OllamaServer
) -> None:
    host = ("--host", fresh_ollama.host_port)
    with Registry() as registry:
        name = registry.push(ollama_server, "tiny:latest", "tiny:latest")
        assert cli.run("install", name, *host).code == 0
        before = fresh_ollama.call("GET", "/api/tags").json()
        registry.halt()
        ended = cli.run("install", name, *host)
        assert (ended.code, ended.err) == (0, "")
        assert ended.lines[0].endswith(" and is exactly what the registry had a moment ago.")
        assert ended.lines[1].startswith(f"  The registry {registry.address} can't be reached")
        told = preflight(cli.run("install", name, "--json", *host).objects)
        assert (told["is_current"], told["was_current"], told["is_old"]) == (False, True, True)
    assert fresh_ollama.call("GET", "/api/tags").json() == before


def test_a_file_that_the_registry_lacks_is_said_before(
    cli: Cli, ollama_server: OllamaServer, fresh_ollama: OllamaServer
) -> None:
    with Registry() as registry:
        name = registry.push(ollama_server, "tiny:latest", "tiny:latest")
        digest = registry.layer_digests("tiny:latest")["params"]
        registry.blob_path(digest).unlink()
        ended = cli.run("install", name, "--anyway", "--host", fresh_ollama.host_port)
        assert ended.error == (
            f"The registry has a manifest of {name} but lacks a file that it names, the parameters ({digest[7:19]}), "
            "so it can't be installed as it is; choose another tag, or push it again if it is yours."
        )
        assert registry.files.bytes_served < 200_000, "the weights were downloaded"
    assert fresh_ollama.model_names() == []


def test_many_models_on_many_hosts_ask_each_registry_once_a_model(
    cli: Cli, ollama_server: OllamaServer, fresh_ollama: OllamaServer
) -> None:
    with Registry() as registry:
        names = [registry.push(ollama_server, "tiny:latest", f"tiny:{number}") for number in range(6)]
        before = registry.log_text().count("GET /v2/library/tiny/manifests/")
        hosts = ("--on", ollama_server.host_port, "--on", fresh_ollama.host_port)
        ended = cli.run("install", *names, "--dry-run", *hosts)
        assert (ended.code, ended.err) == (0, "")
        assert len([line for line in ended.lines if not line.startswith(" ")]) == 2 * len(names)
        assert registry.log_text().count("GET /v2/library/tiny/manifests/") - before == len(names)


def test_a_registry_without_tls_elsewhere_is_refused_before_with_the_option_that_allows_it(
    cli: Cli, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    name = registry.name_for("tiny:latest").replace("localhost", "0.0.0.0")  # not by name on this computer
    refused = cli.run("install", name, "--host", fresh_ollama.host_port)
    assert refused.error == (
        f"The registry 0.0.0.0:{registry.port} doesn't speak https; allow an insecure registry for this install if it "
        "is yours. The option for that is --insecure."
    )
    assert refused.out == ""
    assert cli.run("install", name, "--insecure", "--host", fresh_ollama.host_port).code == 0
    assert fresh_ollama.model_names() == [name]


def test_a_dry_run_fails_where_the_installation_would(cli: Cli, fresh_ollama: OllamaServer, registry: Registry) -> None:
    missing = registry.name_for("nosuch:1")
    ended = cli.run("install", missing, "--insecure", "--dry-run", "--json", "--host", fresh_ollama.host_port)
    assert ended.error == f"The registry has no {missing}; check the spelling of the name and its tag."
    assert preflight(ended.objects)["problem"] == ended.error


@pytest.fixture
def greedy(ollama_server: OllamaServer, registry: Registry, tmp_path: Path) -> str:
    """The name of a model in the registry that takes as many tokens as one likes."""
    wide = gguf.GGUFWriter(tmp_path / "wide.gguf", "gpt2")
    length = MetadataDetails(gguf.GGUFValueType.UINT32, TOO_LONG, "")
    copy_with_new_metadata(gguf.GGUFReader(tiny_gpt2()), wide, {"gpt2.context_length": length}, [])
    create_model(ollama_server, "wide:latest", tmp_path / "wide.gguf", parameters=TINY_PARAMETERS)
    registry.push(ollama_server, "wide:latest", "wide:latest")
    ollama_server.delete("wide:latest")
    return registry.name_for("wide:latest")


def test_too_little_memory_is_asked_about_on_a_terminal(cli: Cli, fresh_ollama: OllamaServer, greedy: str) -> None:
    name = greedy
    arguments = ("install", name, "--insecure", "--context", str(TOO_LONG), "--host", fresh_ollama.host_port)
    refused = cli.on_terminal(*arguments, keys=b"n\n")
    shown = without_escapes(refused.out)
    assert refused.code == 1
    assert f"too little memory free to run {name}. Install it all the same? [y/N]" in shown.replace("\n", " ")
    assert f"Not installed: {name}." in shown
    assert fresh_ollama.model_names() == []
    agreed = cli.on_terminal(*arguments, keys=b"y\n")
    assert agreed.code == 0, agreed.out
    assert fresh_ollama.model_names() == [name]


def test_too_little_memory_is_a_note_where_nobody_can_be_asked(
    cli: Cli, fresh_ollama: OllamaServer, greedy: str
) -> None:
    name, host = greedy, ("--host", fresh_ollama.host_port)
    ended = cli.run("install", name, "--insecure", "--context", str(TOO_LONG), *host)
    assert ended.code == 0
    assert ended.err == f"Note: There is too little memory free to run {name}. To see what it needs: --dry-run\n"
    assert "  Memory: won't run: " in ended.out
    assert fresh_ollama.model_names() == [name]
    fresh_ollama.delete(name)
    ended = cli.on_terminal("install", name, "--insecure", "--context", str(TOO_LONG), "--anyway", *host)
    assert ended.code == 0
    assert "[y/N]" not in ended.out


def test_several_models_on_several_hosts_are_said_one_by_one(
    cli: Cli, ollama_server: OllamaServer, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    for server, called in ((ollama_server, "full"), (fresh_ollama, "empty")):
        assert cli.run("hosts", "add", server.host_port, "--name", called).code == 0
    names = [registry.name_for("tiny:latest"), registry.name_for("middle:latest")]
    dead = f"127.0.0.1:{closed_port()}"
    hosts = ("--on", "full", "--on", "empty", "--on", dead)
    ended = cli.run("install", *names, "--insecure", "--dry-run", *hosts)
    assert ended.error.startswith(f"{dead}: Nothing listens at ")
    heads = [line.partition(" · ")[0] for line in ended.lines if not line.startswith(" ")]
    assert heads == [f"{name} on {host}" for name in names for host in ("full", "empty")]
    told = ended.out.split(f"{names[0]} on empty")[0]
    assert "  To download: nothing of " not in told.splitlines()[0]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 64 MB for models; skips the test where mounting isn't allowed."""
    if sys.platform != "linux":
        pytest.skip("mounting a tmpfs needs Linux")
    folder = tmp_path / "small disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"mounting a tmpfs isn't allowed here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_is_too_small_is_said_before(cli: Cli, small_disk: Path, registry: Registry) -> None:
    name = registry.name_for("middle:latest")
    with OllamaServer(small_disk) as server:
        ended = cli.run("install", name, "--insecure", "--host", server.host_port)
        assert ended.error.startswith("The models' disk has 6")
        assert server.model_names() == []
        assert ended.error.endswith(" To try it all the same: --anyway")
        assert not list(small_disk.glob("blobs/*"))


def test_a_disk_that_is_too_small_for_the_reserve_can_be_used_anyway(
    cli: Cli, small_disk: Path, registry: Registry
) -> None:
    name = registry.name_for("middle:latest")
    with OllamaServer(small_disk) as server:
        ended = cli.run("install", name, "--insecure", "--anyway", "--host", server.host_port)
        assert (ended.code, ended.err) == (0, "")
        assert "  Too little room: The models' disk has 6" in ended.out
        assert server.model_names() == [name]


def test_commas_too_many_are_no_names(cli: Cli, fresh_ollama: OllamaServer, registry: Registry) -> None:
    tiny, middle = registry.name_for("tiny:latest"), registry.name_for("middle:latest")
    host = ("--host", fresh_ollama.host_port)
    ended = cli.run("install", f",{tiny},,{middle},", "--insecure", "--dry-run", *host)
    assert (ended.code, ended.err) == (0, "")
    assert cli.run("install", " , ", *host).error == "Type the name of a model, such as llama3.2:1b."


@pytest.mark.parametrize(
    "wrong",
    [
        ("--tonight", "--at", "10:00"),
        ("--at", "soon"),
        ("--at", "25:00"),
        ("--context", "0"),
        ("--context", "many"),
    ],
)
def test_wrong_options_are_wrong_usage(cli: Cli, wrong: tuple[str, ...]) -> None:
    ended = cli.run("install", "tiny", *wrong, env={"COLUMNS": "200"})
    assert (ended.code, ended.out) == (2, "")
    assert wrong[0] in ended.err or "time of day" in ended.err
