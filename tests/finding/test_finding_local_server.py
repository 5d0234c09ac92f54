"""Starting the Ollama of this machine, and stopping it again."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from ecs_localai.ollama import OllamaClient
from ecs_localai.ollama.errors import InvalidHost
from ecs_localai.ollama.local_program import Output
from ecs_localai.ollama.local_server import LocalServerFailed, LocalServerProcess, find_program
from tests.finding.finding_parts import install, serving_environment
from tests.rig import orphan_guard
from tests.rig.leaks import assert_nothing_new, holdings
from tests.rig.model_files import TINY_PARAMETERS, create_model, tiny_gpt2
from tests.rig.odd_servers import CaptivePortal
from tests.rig.ollama_program import OllamaProgram
from tests.rig.ollama_server import OllamaServer
from tests.rig.parts import ROOT, PartMissing
from tests.rig.ports import free_port
from tests.rig.waiting import wait_until, wait_until_async

pytestmark = [pytest.mark.ollama, pytest.mark.usefixtures("program")]


def is_gone(pid: int) -> bool:
    """Whether the process has ended, or is a zombie that nobody has waited for yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def tell_all_of(group: int) -> list[int]:
    """The living processes of a group."""
    return [one.pid for one in psutil.process_iter() if not is_gone(one.pid) and _group(one.pid) == group]


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return -1


def is_free(port: int) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture
def server(installed: Path, tmp_path: Path) -> LocalServerProcess:
    """One that was not started."""
    return LocalServerProcess(installed, environment=serving_environment(tmp_path))


def test_it_is_found_on_the_path(installed: Path) -> None:
    assert find_program({"PATH": str(installed.parent)}) == installed


def test_the_program_named_in_the_environment_comes_first(
    installed: Path, tmp_path: Path, program: OllamaProgram
) -> None:
    other = install(program, tmp_path / "other")
    assert find_program({"PATH": str(installed.parent), "OLLAMA_BIN": str(other)}) == other


def test_a_named_program_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(LocalServerFailed, match="which is not a program; correct it or take it away"):
        find_program({"OLLAMA_BIN": str(tmp_path)})


def test_it_starts_answers_and_stops(server: LocalServerProcess) -> None:
    port = free_port()

    async def start_and_stop() -> int:
        url = await server.start(f"127.0.0.1:{port}")
        assert url == f"http://127.0.0.1:{port}"
        async with OllamaClient(url) as client:
            assert await client.version()
        pid = server.pid
        assert pid is not None
        assert server.is_ours
        assert "Listening on" in server.output
        await server.stop()
        assert (server.pid, server.is_ours, server.message) == (None, False, "")
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return pid

    before = holdings()
    pid = asyncio.run(start_and_stop())
    assert_nothing_new(before)
    assert is_free(port)
    assert tell_all_of(pid) == []


def test_it_can_be_started_again_and_not_twice(server: LocalServerProcess) -> None:
    port = free_port()

    async def twice() -> None:
        await server.start(f"127.0.0.1:{port}")
        with pytest.raises(LocalServerFailed, match="started already"):
            await server.start(f"127.0.0.1:{port}")
        await server.stop()
        await server.start(f"127.0.0.1:{port}")
        await server.stop()
        await server.stop()

    asyncio.run(twice())
    assert is_free(port)


def test_behind_a_shell_that_stays_nothing_is_left_either(program: OllamaProgram, tmp_path: Path) -> None:
    wrapper = install(program, tmp_path / "bin", keeps_shell=True)
    server = LocalServerProcess(wrapper, environment=serving_environment(tmp_path))
    port = free_port()

    async def start_and_stop() -> int:
        await server.start(f"127.0.0.1:{port}")
        pid = server.pid or -1
        assert len(tell_all_of(pid)) == 2, "the shell and the server"
        await server.stop()
        return pid

    pid = asyncio.run(start_and_stop())
    assert tell_all_of(pid) == []
    assert is_free(port)


def test_another_ollama_at_the_address_is_used_and_left_alone(
    server: LocalServerProcess, fresh_ollama: OllamaServer
) -> None:
    async def start_and_stop() -> None:
        assert await server.start(fresh_ollama.host_port) == fresh_ollama.base_url
        assert not server.is_ours
        assert server.pid is None
        assert server.message.endswith(f"runs at {fresh_ollama.host_port} already; it is used as it is.")
        await server.stop()

    asyncio.run(start_and_stop())
    assert fresh_ollama.running
    assert fresh_ollama.call("GET", "/api/version").status == 200


def test_a_port_that_something_else_uses_is_told(server: LocalServerProcess) -> None:
    before = holdings()
    with (
        CaptivePortal() as portal,
        pytest.raises(LocalServerFailed, match="Something that is not an Ollama uses") as told,
    ):
        asyncio.run(server.start(f"127.0.0.1:{portal.port}"))
    assert "address already in use" in told.value.detail
    assert_nothing_new(before)


def test_a_server_that_ends_at_once_is_told_with_its_last_words(server: LocalServerProcess) -> None:
    before = holdings()
    with pytest.raises(
        LocalServerFailed, match=r"ended while it was starting, with status 1\. Its last words: Error: listen"
    ):
        asyncio.run(server.start("203.0.113.9:11434"))
    assert_nothing_new(before)


@pytest.mark.parametrize("address", ["https://127.0.0.1:11434", "127.0.0.1:11434/ollama", "127.0.0.1:99999"])
def test_an_address_at_which_no_server_can_listen_is_refused(server: LocalServerProcess, address: str) -> None:
    with pytest.raises(InvalidHost):
        asyncio.run(server.start(address))


def test_a_file_that_cannot_be_run_is_told(tmp_path: Path) -> None:
    (tmp_path / "ollama").write_bytes(b"\x7fELF and nothing more")
    (tmp_path / "ollama").chmod(0o755)
    before = holdings()
    with pytest.raises(LocalServerFailed, match="could not be run"):
        asyncio.run(LocalServerProcess(tmp_path / "ollama").start(f"127.0.0.1:{free_port()}"))
    assert_nothing_new(before)


def test_a_server_that_gives_no_answer_in_time_is_ended(server: LocalServerProcess) -> None:
    before, port = holdings(), free_port()
    with pytest.raises(LocalServerFailed, match=r"gave no answer .* within 0\.01 seconds"):
        asyncio.run(server.start(f"127.0.0.1:{port}", within=0.01))
    assert_nothing_new(before)
    assert is_free(port)


def test_stopping_while_it_starts_ends_it(server: LocalServerProcess) -> None:
    async def start_and_stop() -> None:
        starting = asyncio.create_task(server.start(f"127.0.0.1:{free_port()}"))
        await wait_until_async(lambda: server.pid is not None)
        await server.stop()
        with pytest.raises(LocalServerFailed, match="was stopped while it was starting"):
            await starting
        assert asyncio.all_tasks() == {asyncio.current_task()}

    before = holdings()
    asyncio.run(start_and_stop())
    assert_nothing_new(before)


@pytest.mark.parametrize("after_launch", [False, True])
def test_cancelling_the_start_ends_it(server: LocalServerProcess, after_launch: bool) -> None:
    async def start_and_cancel() -> None:
        starting = asyncio.create_task(server.start(f"127.0.0.1:{free_port()}"))
        if after_launch:
            await wait_until_async(lambda: server.pid is not None)
        else:
            await asyncio.sleep(0)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert server.pid is None

    before = holdings()
    asyncio.run(start_and_cancel())
    assert_nothing_new(before)


def test_its_end_by_itself_is_told_and_its_runners_end_too(installed: Path, tmp_path: Path) -> None:
    environment = serving_environment(tmp_path)
    port = free_port()
    try:
        tiny = tiny_gpt2()
    except PartMissing as missing:
        pytest.skip(str(missing))
    with OllamaServer(models_dir=Path(environment["OLLAMA_MODELS"])) as maker:
        create_model(maker, "tiny:latest", tiny, parameters=TINY_PARAMETERS)
    told: list[str] = []
    server = LocalServerProcess(installed, environment=environment, on_exit=told.append)

    async def start_and_kill() -> int:
        url = await server.start(f"127.0.0.1:{port}")
        async with OllamaClient(url) as client:
            await client.load("tiny:latest", keep_alive=60)
        pid = server.pid or -1
        assert len(tell_all_of(pid)) == 2, "the server and its runner"
        os.kill(pid, signal.SIGKILL)
        await wait_until_async(lambda: told, 20.0)
        assert server.pid is None
        await server.stop()
        return pid

    before = holdings()
    pid = asyncio.run(start_and_kill())
    assert_nothing_new(before)
    assert len(told) == 1
    assert told[0].startswith("The local Ollama ended by itself, by SIGKILL")
    assert told[0].endswith(". Start it again.")
    assert "[GIN]" not in told[0]
    assert tell_all_of(pid) == []


def test_stopping_it_is_no_end_by_itself(server: LocalServerProcess) -> None:
    told: list[str] = []
    server.on_exit = told.append

    async def start_and_stop() -> None:
        await server.start(f"127.0.0.1:{free_port()}")
        await server.stop()

    asyncio.run(start_and_stop())
    assert told == []


def test_a_server_that_does_not_end_politely_is_killed(server: LocalServerProcess) -> None:
    async def start_and_stop() -> int:
        await server.start(f"127.0.0.1:{free_port()}")
        pid = server.pid or -1
        os.kill(pid, signal.SIGSTOP)  # a stopped process sees no SIGTERM
        await server.stop(within=0.2)
        return pid

    before = holdings()
    pid = asyncio.run(start_and_stop())
    assert_nothing_new(before)
    assert tell_all_of(pid) == []


def test_what_it_writes_is_kept_in_a_file_too(installed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "logs" / "deep"
    server = LocalServerProcess(installed, environment=serving_environment(tmp_path), log_folder=folder)

    async def start_and_stop() -> None:
        await server.start(f"127.0.0.1:{free_port()}")
        await server.stop()

    asyncio.run(start_and_stop())
    assert (folder / "ollama-serve.log").read_text(encoding="utf-8").rstrip("\n") == server.output.rstrip("\n")
    assert "Listening on" in server.output


def test_the_kept_output_is_bounded() -> None:
    output = Output(None)
    output.feed(b"first line\nError: the reason\n" + "ä".encode()[:1])
    output.feed("ä".encode()[1:] + b" rest\r\n")
    assert output.text.splitlines() == ["first line", "Error: the reason", "ä rest"]
    assert output.last_words == "Error: the reason"
    for _ in range(50):
        output.feed(b"x" * 100_000)
    assert len(output.text) < 3_000
    output.feed(b"\n" + b"y\n" * 1000)
    assert len(output.text.splitlines()) == 200


_CHILD = """
import asyncio, os, sys
from pathlib import Path
from ecs_localai.ollama.local_server import LocalServerProcess
server = LocalServerProcess(Path(sys.argv[1]))

async def main():
    await server.start(sys.argv[2])
    print(server.pid, flush=True)
    if sys.argv[3] == "stay":
        await asyncio.Event().wait()

asyncio.run(main())
"""


def start_child(installed: Path, tmp_path: Path, port: int, how: str) -> tuple[subprocess.Popen[str], int]:
    """A program that starts a server and then ends, or stays; the program and the server's process id."""
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(installed), f"127.0.0.1:{port}", how],
        cwd=ROOT,
        env=serving_environment(tmp_path),
        stdout=subprocess.PIPE,
        text=True,
    )
    if child.stdout is None:
        raise RuntimeError("the child has no output")
    line = child.stdout.readline()
    child.stdout.close()
    pid = int(line)
    orphan_guard.guard(pid)
    return child, pid


def test_it_ends_with_a_program_that_forgot_to_stop_it(installed: Path, tmp_path: Path) -> None:
    port = free_port()
    child, pid = start_child(installed, tmp_path, port, "end")
    assert child.wait(30) == 0
    wait_until(lambda: is_gone(pid), 5.0, "the server to end with its program")
    assert tell_all_of(pid) == []
    assert is_free(port)
    orphan_guard.release(pid)


@pytest.mark.skipif(sys.platform == "win32", reason="without SIGPIPE it stays")
def test_when_its_program_is_killed_it_lives_until_it_writes_again(installed: Path, tmp_path: Path) -> None:
    port = free_port()
    child, pid = start_child(installed, tmp_path, port, "stay")
    child.kill()
    child.wait(30)
    assert not is_gone(pid)

    def ask() -> bool:
        with socket.socket() as asking:
            if asking.connect_ex(("127.0.0.1", port)) == 0:
                asking.sendall(b"GET /api/tags HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                asking.settimeout(1.0)
                try:
                    asking.recv(1000)
                except OSError:  # it ended while it answered
                    return is_gone(pid)
        return is_gone(pid)

    wait_until(ask, 10.0, "the server to end when nobody reads its output")
    orphan_guard.release(pid)
