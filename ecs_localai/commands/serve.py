"""``ecs-localai serve``: the Ollama of this machine, started for as long as the command runs."""

from __future__ import annotations

import asyncio

from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.stop_signals import StopSignals
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import say, say_json
from ecs_localai.ollama.address import DEFAULT_HOST, DEFAULT_PORT, parse_host
from ecs_localai.ollama.local_server import LocalServerProcess, find_program


def serve(target: Target, as_json: bool) -> int:
    """Start Ollama, wait for Ctrl-C, and stop it again; returns the exit code.

    It listens at the chosen host's address where that is one of this machine, else at Ollama's default one. Its log is
    ``ollama-serve.log`` in the data folder.

    Raises:
        CommandFailed: there is no such program, an Ollama runs already, or it has ended by itself.
        OllamaError: it cannot be started.
    """
    program = find_program()
    if program is None:
        raise CommandFailed("There is no Ollama on this machine. Get it from ollama.com/download, or set OLLAMA_BIN.")
    address = parse_host(target.book().chosen.config.base_url)
    if not address.can_be_served:
        if target.host is not None:
            raise CommandFailed(f"Ollama listens on this machine, over http: {address.display} is another place.")
        address = parse_host(f"{DEFAULT_HOST}:{DEFAULT_PORT}")
    folder = target.folder()

    async def run(stop: StopSignals) -> str | None:
        ended = asyncio.Event()
        said: list[str] = []

        def on_exit(sentence: str) -> None:
            said.append(sentence)
            ended.set()

        process = LocalServerProcess(program, log_folder=folder, on_exit=on_exit)
        waits = [asyncio.create_task(stop.wait()), asyncio.create_task(ended.wait())]
        starting = asyncio.create_task(process.start(address.display))
        try:
            await asyncio.wait([starting, waits[0]], return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                starting.cancel()
                return None
            base_url = starting.result()
            if not process.is_ours:
                return process.message
            if as_json:
                say_json({"base_url": base_url, "pid": process.pid, "program": str(program)})
            else:
                say(f"Ollama runs at {base_url} ({program}). Ctrl-C stops it.")
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return said[0] if said else None
        finally:
            await asyncio.gather(starting, return_exceptions=True)
            await process.stop()
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    with StopSignals() as stop:
        trouble = asyncio.run(run(stop))
    if trouble is not None:
        raise CommandFailed(trouble)
    if not as_json:
        say("Stopped.")
    return 0
