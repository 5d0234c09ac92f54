"""``ecs-localai install`` from a real registry into a real Ollama, run as people run it."""

from __future__ import annotations

import re
import subprocess
from itertools import pairwise

import pytest

from tests.cli.cli_parts import COMMAND, Cli, Running, environment, without_escapes
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.rig.waiting import wait_until

pytestmark = [pytest.mark.ollama, pytest.mark.registry]


def percents(text: str) -> list[int]:
    """All percentages in the text, in their order."""
    return [int(number) for number in re.findall(r"(\d+) %", text)]


def never_back(numbers: list[float]) -> bool:
    """Whether no number is lower than the one before."""
    return all(before <= after for before, after in pairwise(numbers))


def numbers_of(objects: list[dict[str, object]], key: str) -> list[float]:
    """A number of every progress event."""
    found: list[float] = []
    for one in objects:
        progress = one.get("progress")
        if isinstance(progress, dict):
            found.append(float(progress[key]))
    return found


def test_installs_from_a_registry_with_lines_that_never_go_back(
    cli: Cli, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    registry.files.throttle(3_000_000)
    name = registry.name_for("middle:latest")
    ended = cli.run("install", name, "--insecure", "--host", fresh_ollama.host_port)
    assert (ended.code, ended.err) == (0, "")
    assert fresh_ollama.model_names() == [name]
    shown = percents(ended.out)
    assert len(shown) > 2
    assert never_back([*shown])
    assert shown[-1] == 100
    assert ended.lines[0].startswith(f"{name} · gpt2 ")
    assert [line.split(":")[0] for line in ended.lines[1:4]] == ["  To download", "  Disk", "  Memory"]
    assert ended.lines[4] == f"Installing {name} (11 MB)."
    assert re.fullmatch(rf"Installed {re.escape(name)} \(11 MB\) in [\d.]+ s\.", ended.lines[-1])
    assert len(ended.lines) < 19  # four of the preflight, then now and then, not sixteen lines a second


def test_json_tells_every_event_with_bytes_that_never_go_back(
    cli: Cli, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    registry.files.throttle(6_000_000)
    name = registry.name_for("middle:latest")
    ended = cli.run("--host", fresh_ollama.host_port, "install", "--insecure", "--json", name)
    assert (ended.code, ended.err) == (0, "")
    kinds = [one["event"] for one in ended.objects]
    assert kinds[:2] == ["Preflight", "ModelInstallationStarted"]
    assert kinds[-1] == "ModelInstallationCompleted"
    assert set(kinds[2:-1]) == {"ModelInstallationProgress"}
    downloaded = numbers_of(ended.objects, "bytes_downloaded")
    assert never_back(downloaded)
    assert downloaded[-1] == numbers_of(ended.objects, "total_bytes")[-1] > 11_000_000
    assert len(set(downloaded)) > 5
    model = ended.objects[-1]["model"]
    assert isinstance(model, dict)
    assert model["name"] == name


def test_a_terminal_gets_a_bar_that_never_goes_back(cli: Cli, fresh_ollama: OllamaServer, registry: Registry) -> None:
    registry.files.throttle(6_000_000)
    name = registry.name_for("middle:latest")
    ended = cli.on_terminal("install", name, "--insecure", "--host", fresh_ollama.host_port)
    assert ended.code == 0, ended.out
    shown = percents(without_escapes(ended.out))
    assert len(set(shown)) > 5
    assert never_back([*shown])
    assert "\x1b[" in ended.out
    assert "━" in ended.out
    assert "MB/s" in ended.out
    assert f"Installed {name} (11 MB)" in without_escapes(ended.out)


def begin_slow_install(cli: Cli, server: OllamaServer, registry: Registry) -> Running:
    """A download under way, with a fifth of it there."""
    registry.files.throttle(2_000_000)
    running = cli.start(
        "install", registry.name_for("middle:latest"), "--insecure", "--json", "--host", server.host_port
    )
    wait_until(
        lambda: (
            running.process.poll() is not None or max(numbers_of(running.objects, "bytes_downloaded"), default=0) > 2e6
        ),
        30.0,
        lambda: f"a download under way\n{running.out}{running.err}",
    )
    return running


def test_a_stopped_install_is_continued_by_the_same_command(
    cli: Cli, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    name = registry.name_for("middle:latest")
    with begin_slow_install(cli, fresh_ollama, registry) as running:
        stopped = running.interrupt()
    assert stopped.error == (
        f"Stopped before {name} was complete; run the same command again to continue from what has arrived."
    )
    assert stopped.objects[-1]["event"] == "ModelInstallationCancelled"
    wait_until(lambda: registry.files.open_transfers == 0, 10.0, "the server to stop downloading")
    assert fresh_ollama.running
    assert fresh_ollama.model_names() == []

    registry.files.clear()
    registry.files.reset_counts()
    continued = cli.run("install", name, "--insecure", "--json", "--host", fresh_ollama.host_port)
    assert (continued.code, continued.err) == (0, "")
    assert fresh_ollama.model_names() == [name]
    assert registry.files.bytes_served < numbers_of(continued.objects, "total_bytes")[-1] - 1_000_000


def test_an_install_that_nobody_watches_any_more_is_stopped(
    cli: Cli, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    registry.files.throttle(2_000_000)
    arguments = ["install", registry.name_for("middle:latest"), "--insecure", "--json"]
    with subprocess.Popen(
        [*COMMAND, *arguments, "--host", fresh_ollama.host_port],
        env=environment(cli.data_dir),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith('{"event":"Preflight"')
        assert process.stdout.readline().startswith('{"event":"ModelInstallationStarted"')
        process.stdout.close()
        assert process.wait(30.0) == 1
        said = process.stderr.read()
    assert said.startswith("Error: Stopped before ")
    assert said.count("\n") == 1
    wait_until(lambda: registry.files.open_transfers == 0, 10.0, "the server to stop downloading")


def test_what_cannot_be_installed_fails_with_one_sentence(
    cli: Cli, ollama_server: OllamaServer, registry: Registry
) -> None:
    host = ("--host", ollama_server.host_port)
    missing = registry.name_for("nosuch:1")
    ended = cli.run("install", missing, "--insecure", *host)
    assert ended.error == f"The registry has no {missing}; check the spelling of the name and its tag."
    ended = cli.run("install", "a/b/c/d:1", *host)
    assert ended.error == "The model name 'a/b/c/d' has 4 parts; it has three at most: registry/namespace/model."
    elsewhere = registry.name_for("tiny:latest").replace("localhost", "0.0.0.0")  # not the loopback interface by name
    ended = cli.run("install", elsewhere, *host)
    assert ended.error.endswith("doesn't speak https; allow an insecure registry for this install if it is yours. "
                                "The option for that is --insecure.")  # fmt: skip


def test_a_registry_on_this_computer_needs_no_option(cli: Cli, fresh_ollama: OllamaServer, registry: Registry) -> None:
    names, host = [registry.name_for("tiny:latest")], ("--host", fresh_ollama.host_port)
    names.append(names[0].replace("localhost", "127.0.0.1"))
    ended = cli.run("install", names[0], *host)
    assert (ended.code, ended.err) == (0, "")
    assert fresh_ollama.model_names() == names[:1]
    ended = cli.run("install", names[1], "--dry-run", *host)
    assert (ended.code, ended.err) == (0, "")
    assert cli.run("install", names[1], "--tonight", *host).code == 0
    assert cli.run("resume", names[1]).code == 0
    ended = cli.run("queue", "--run")
    assert ended.code == 0, ended.err
    assert sorted(fresh_ollama.model_names()) == sorted(names)


def test_of_several_models_the_good_ones_are_installed(
    cli: Cli, fresh_ollama: OllamaServer, registry: Registry
) -> None:
    good, missing = registry.name_for("tiny:latest"), registry.name_for("nosuch:1")
    ended = cli.run("install", "--insecure", missing, good, good, "--host", fresh_ollama.host_port)
    assert ended.error == f"The registry has no {missing}; check the spelling of the name and its tag."
    assert fresh_ollama.model_names() == [good]
    assert ended.out.count("Installed ") == 1
