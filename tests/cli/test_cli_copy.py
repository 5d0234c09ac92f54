"""``ecs-localai copy`` and ``rename`` on a real Ollama."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from aiohttp import web

from ecs_localai.store import ModelUsage, Store
from ecs_localai.store.opening import FILE_NAME
from tests.cli.cli_parts import Cli
from tests.ollama.ollama_proxy import ReverseProxy, standing
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer

pytestmark = pytest.mark.ollama

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
NAMES = ("spare:1", "other:2", "tiny:2", "third:3")


class WithoutDelete(ReverseProxy):
    """A proxy that lets nobody delete anything."""

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        if request.method == "DELETE":
            raise web.HTTPForbidden(text="Nobody deletes here.")
        return await super()._forward(request)


@pytest.fixture
def server(ollama_server: OllamaServer) -> Iterator[OllamaServer]:
    """The shared server, with ``spare:1``, a copy of ``tiny``."""
    ollama_server.call("POST", "/api/copy", {"source": "tiny:latest", "destination": "spare:1"})
    yield ollama_server
    for name in NAMES:
        ollama_server.delete(name)


@pytest.fixture
def host(server: OllamaServer) -> tuple[str, str]:
    """The options that name the server."""
    return "--host", server.host_port


def test_a_copy_is_the_same_model_under_another_name(cli: Cli, host: tuple[str, str], server: OllamaServer) -> None:
    ended = cli.run("copy", "TINY", "other:2", *host)
    assert (ended.code, ended.out, ended.err) == (0, "Copied tiny:latest to other:2.\n", "")
    digests = {one["name"]: one["digest"] for one in cli.run("list", "--json", *host).objects}
    assert digests["other:2"] == digests["tiny:latest"]
    ended = cli.run("copy", "tiny", "third:3", "--json", *host)
    assert ended.objects == [
        {
            "event": "ModelCopied", "model_name": "tiny:latest", "new_name": "third:3", "moved": False,
            "host": server.base_url,
        }
    ]  # fmt: skip


@pytest.mark.parametrize("command", ["copy", "rename"])
def test_no_model_is_overwritten_whatever_the_case_of_its_name(
    cli: Cli, host: tuple[str, str], server: OllamaServer, command: str
) -> None:
    before = sorted(cli.run("list", "--json", *host).lines)
    ended = cli.run(command, "smollm2:135m", "SPARE:1", *host)
    assert ended.error == (
        "There is a model spare:1 already. To replace it, remove it first: ecs-localai remove spare:1"
    )
    ended = cli.run(command, "tiny", "TINY:latest", *host)
    assert ended.error == "tiny:latest and TINY:latest are one name: upper and lower case are the same to Ollama."
    assert sorted(cli.run("list", "--json", *host).lines) == before
    assert "spare:1" in server.model_names()


@pytest.mark.parametrize("command", ["copy", "rename"])
def test_what_cannot_be_copied_is_one_sentence(cli: Cli, host: tuple[str, str], command: str) -> None:
    ended = cli.run(command, "nosuch:7b", "other:2", *host)
    assert ended.error == "There is no model nosuch:7b here; `ecs-localai list` shows what is installed."
    ended = cli.run(command, "tiny", "no such", *host)
    assert ended.error == "The model name 'no such' has a space in it; a name has none, like llama3.2:1b."
    nobody = closed_port()
    ended = cli.run(command, "tiny", "other:2", "--host", f"127.0.0.1:{nobody}")
    assert ended.error.startswith(f"Nothing listens at 127.0.0.1:{nobody};")
    ended = cli.run(command, "tiny", "other:2", "--on", host[1], "--on", f"127.0.0.1:{nobody}")
    assert f"127.0.0.1:{nobody}: Nothing listens at" in ended.error
    assert f" to other:2 on {host[1]}.\n" in ended.out
    assert cli.run(command, "tiny").code == 2
    if command == "rename":
        assert cli.run("rename", "other:2", "tiny", *host).code == 0


def test_renamed_is_copied_and_the_old_name_is_gone(cli: Cli, host: tuple[str, str], server: OllamaServer) -> None:
    ended = cli.run("rename", "Spare:1", "TINY:2", *host)
    # As the host spells it: there is a ``tiny`` already, whose spelling wins (0.9.3).
    assert (ended.code, ended.out, ended.err) == (0, "Renamed spare:1 to tiny:2.\n", "")
    assert "spare:1" not in server.model_names()
    assert "tiny:2" in server.model_names()
    ended = cli.run("rename", "tiny:2", "other:2", "--json", *host)
    (told,) = ended.objects
    assert (told["event"], told["model_name"], told["new_name"]) == ("ModelCopied", "tiny:2", "other:2")
    assert (told["moved"], told["host"]) == (True, server.base_url)
    assert not (cli.data_dir / FILE_NAME).exists()  # nothing was kept, so nothing is begun


def test_how_often_it_was_used_goes_with_a_renamed_model(cli: Cli, server: OllamaServer) -> None:
    usage = ModelUsage(7, NOW)
    with Store.open(cli.data_dir) as store:
        store.set_model_usage(f"{server.base_url}/spare:1", usage)
        store.set_model_usage("http://gpu:11434/spare:1", ModelUsage(2, NOW))
        assert store.flush()
    assert cli.run("copy", "spare:1", "third:3", "--host", server.host_port).code == 0
    assert cli.run("rename", "spare:1", "other:2", "--host", server.host_port).code == 0
    with Store.open(cli.data_dir) as store:
        kept = store.initial.model_usage
    assert kept == {f"{server.base_url}/other:2": usage, "http://gpu:11434/spare:1": ModelUsage(2, NOW)}


def test_both_names_are_there_where_the_old_one_cannot_be_deleted(cli: Cli, server: OllamaServer) -> None:
    with Store.open(cli.data_dir) as store:
        store.set_model_usage(f"{server.base_url}/spare:1", ModelUsage(7, NOW))
        assert store.flush()
    with standing(WithoutDelete(server.port)) as proxy:
        ended = cli.run("rename", "spare:1", "other:2", "--host", f"127.0.0.1:{proxy.port}")
    assert ended.error.startswith("Both spare:1 and other:2 are there now, because spare:1 could not be deleted: ")
    assert ended.error.endswith(" When that is mended: ecs-localai remove spare:1")
    assert ended.out == ""
    assert {"spare:1", "other:2"} <= set(server.model_names())
    with Store.open(cli.data_dir) as store:
        assert list(store.initial.model_usage) == [f"{server.base_url}/spare:1"]
