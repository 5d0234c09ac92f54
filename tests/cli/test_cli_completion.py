"""What a real bash makes of the tab key after ``ecs-localai``."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.cli_parts import Cli, environment, without_escapes
from tests.cli.queue_cli_parts import put_off
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.rig.waiting import wait_until

WAIT = 60.0
pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="There is no bash here.")


class Bash:
    """A bash on a terminal that knows the command and completes its words."""

    def __init__(self, controller: int) -> None:
        self._controller = controller
        self._shown: list[bytes] = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    @property
    def shown(self) -> str:
        """All that it has written."""
        return without_escapes(b"".join(self._shown).decode(errors="replace"))

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._controller, 65536)
            except OSError:
                return
            if not data:
                return
            self._shown.append(data)

    def type(self, keys: str) -> None:
        """Type keys."""
        os.write(self._controller, keys.encode())

    def completes(self, typed: str, completed: str) -> None:
        """Type a line and a tab, and have bash say what the line is then."""
        self.type(f"{typed}\t\x01echo = \n")  # Ctrl-A: the rest is before what was typed
        wait_until(lambda: f"= {completed}" in self.shown, WAIT, lambda: f"{completed!r} in {self.shown!r}")


@contextmanager
def bash_in(cli: Cli, folder: Path) -> Iterator[Bash]:
    """Start one."""
    program = folder / "bin" / "ecs-localai"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ecs_localai "$@"\n')
    program.chmod(0o755)
    env = environment(cli.data_dir, {"TERM": "dumb", "PATH": f"{program.parent}:{os.environ['PATH']}", "PS1": "$ "})
    script = subprocess.run(
        [program], env=env | {"_ECS_LOCALAI_COMPLETE": "source_bash"}, capture_output=True, text=True, check=True
    ).stdout
    (folder / "completion.bash").write_text(f"{script}\necho ready\n")
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        ["bash", "--noprofile", "--rcfile", str(folder / "completion.bash"), "-i"],
        env=env, cwd=folder, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
    )  # fmt: skip
    os.close(terminal)
    bash = Bash(controller)
    try:
        wait_until(lambda: "ready" in bash.shown, WAIT, lambda: f"bash to be ready: {bash.shown}")
        yield bash
        bash.type("exit\n")
        process.wait(WAIT)
    finally:
        process.kill()
        process.wait()
        bash.reader.join(WAIT)
        os.close(controller)


@pytest.mark.ollama
@pytest.mark.registry
def test_bash_completes_names_with_colons_hosts_and_what_is_queued(
    cli: Cli, ollama_server: OllamaServer, registry: Registry, tmp_path: Path
) -> None:
    assert cli.run("hosts", "add", ollama_server.host_port, "--name", "workshop", "--default").code == 0
    host_port, queued = ollama_server.host_port, registry.name_for("middle:latest")
    put_off(cli, ollama_server, queued)
    with bash_in(cli, tmp_path) as bash:
        for typed, completed in (
            ("load smollm2:1", "load smollm2:135m"),
            ("show --host workshop smollm2:", "show --host workshop smollm2:135m"),
            (f"remove --on {host_port} smol", f"remove --on {host_port} smollm2:135m"),
            ("unload --on works", "unload --on workshop"),
            ("pause localhost:", f"pause {queued}"),
            (f"resume {queued.partition('/')[0]}/", f"resume {queued}"),
        ):
            bash.completes(f"ecs-localai {typed}", f"ecs-localai {completed}")


def _offered(cli: Cli, *words: str, at: int | None = None, shell: str = "bash") -> Sequence[str]:
    asked = {
        "_ECS_LOCALAI_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": "\n".join(words),
        "COMP_CWORD": str(len(words) - 1 if at is None else at),
    }
    ended = cli.run(env=asked)
    assert (ended.code, ended.err) == (0, "")
    return ended.lines


def test_what_a_host_that_is_away_has_is_not_offered(cli: Cli) -> None:
    assert _offered(cli, "ecs-localai", "load", "--host", "127.0.0.1", ":", "1", "s") == []
    assert _offered(cli, "ecs-localai", "pause", "") == []
    assert _offered(cli, "ecs-localai", "pau", "a", ":", "b", at=1) == ["pause"]
