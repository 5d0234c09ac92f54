"""Which sockets belong to one server, and which to Ollama's runners."""

from __future__ import annotations

import pytest

from ecs_localai.ollama.finding.listening import Listener, ListeningSocket, is_runner, listeners


def test_sockets_of_one_server_are_merged_and_those_of_two_are_not() -> None:
    sockets = [
        ListeningSocket("127.0.0.1", 1000, 7),
        ListeningSocket("::1", 1000, 7),
        ListeningSocket("127.0.0.1", 2000, 8),
        ListeningSocket("::1", 2000, 9),
        ListeningSocket("0.0.0.0", 3000, 10),  # Docker's two proxies
        ListeningSocket("::", 3000, 11),
        ListeningSocket("127.0.0.1", 4000, None),  # another user's
        ListeningSocket("::1", 4000, None),
        ListeningSocket("192.0.2.7", 4000, None),
        ListeningSocket("0.0.0.0", 5000, 12),
        ListeningSocket("192.0.2.7", 5000, 12),
    ]
    assert sorted(listeners(sockets), key=lambda one: (one.port, sorted(one.hosts))) == [
        Listener(1000, frozenset({"127.0.0.1", "::1"}), 7),
        Listener(2000, frozenset({"127.0.0.1"}), 8),
        Listener(2000, frozenset({"::1"}), 9),
        Listener(3000, frozenset({"0.0.0.0", "::"}), 10),
        Listener(4000, frozenset({"127.0.0.1", "::1"}), None),
        Listener(4000, frozenset({"192.0.2.7"}), None),
        Listener(5000, frozenset({"0.0.0.0", "192.0.2.7"}), 12),
    ]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["/usr/bin/ollama", "runner", "--model", "/m/blobs/sha256-ab", "--port", "4711"], True),
        (["/opt/ollama-lib", "runner", "--ollama-engine", "--port", "4711"], True),
        (["/tmp/ollama/runners/cpu/ollama_llama_server", "--port", "4711"], True),
        (["C:\\Ollama\\llama-server.exe", "--model", "C:\\m\\blobs\\sha256-ab", "--port", "4711"], True),
        (["/usr/bin/llama-server", "--model", "/home/me/mine.gguf"], False),
        (["/usr/bin/ollama", "serve"], False),
        ([], False),
    ],
)
def test_runners_are_known_by_their_command_line(command: list[str], expected: bool) -> None:
    assert is_runner(command) is expected
