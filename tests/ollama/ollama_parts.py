"""What the tests of the Ollama client share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from ecs_localai.ollama.errors import OllamaError
from ecs_localai.ollama.pull import PullPhase, PullProgress

RECORDED = Path(__file__).with_name("recorded")
"""Lines of real pulls, recorded from a real Ollama 0.9.3 (see ``recorded/README.md``)."""


def recorded_lines(name: str) -> list[bytes]:
    """The lines of one recorded pull, without line ends."""
    return (RECORDED / f"{name}.ndjson").read_bytes().splitlines()


def assert_one_clear_sentence(error: OllamaError) -> None:
    """A failure's message is one sentence for people: what happened, and what to do."""
    message = error.message
    assert str(error) == message
    assert message.endswith("."), message
    assert "\n" not in message
    assert ". " not in message.replace("e.g. ", ""), message
    assert 20 < len(message) < 260, message
    assert ";" in message or "," in message or message.startswith(("Type", "Write", "Leave")), message
    for technical in ("Traceback", "errno", "Errno", "Exception", "aiohttp", "None", "0x"):
        assert technical not in message


class ProgressLog:
    """Collects a pull's progress and checks what always has to hold."""

    def __init__(self) -> None:
        self.entries: list[PullProgress] = []
        self.on_next: Callable[[PullProgress], None] | None = None

    def __call__(self, progress: PullProgress) -> None:
        if self.entries:
            before = self.entries[-1]
            assert progress != before, "told although nothing changed"
            assert progress.bytes_downloaded >= before.bytes_downloaded
            assert (progress.fraction or 0) >= (before.fraction or 0)
            assert list(PullPhase).index(progress.phase) >= list(PullPhase).index(before.phase)
        assert progress.bytes_downloaded <= progress.total_bytes
        assert progress.fraction is None or 0 <= progress.fraction <= 1
        self.entries.append(progress)
        if self.on_next is not None:
            self.on_next(progress)

    @property
    def last(self) -> PullProgress:
        """The newest progress."""
        return self.entries[-1]

    @property
    def phases(self) -> list[PullPhase]:
        """The phases, each once, in the order in which they came."""
        return list(dict.fromkeys(entry.phase for entry in self.entries))


async def pipe_to(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection by passing everything on to a port of 127.0.0.1, and back."""
    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
        sink.close()

    await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer), return_exceptions=True)
    for each in (far_writer, writer):
        each.close()
        await asyncio.gather(each.wait_closed(), return_exceptions=True)


def void(value: object) -> None:
    """Do nothing with a value: for callbacks written as a lambda."""
