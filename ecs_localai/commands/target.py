"""Which Ollama a command talks to, and which folder keeps our data."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.terminal import warn
from ecs_localai.ollama.address import HostAddress, parse_host
from ecs_localai.ollama.errors import InvalidHost

if TYPE_CHECKING:
    from ecs_localai.components.hosts import OllamaConfiguration
    from ecs_localai.ollama.client import OllamaClient

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Target:
    """The common options as they were given; None for those that were not."""

    host: str | None = None
    data_dir: Path | None = None

    def or_else(self, other: Target) -> Target:
        """These options, and where they were not given, the other's."""
        return Target(
            other.host if self.host is None else self.host,
            other.data_dir if self.data_dir is None else self.data_dir,
        )

    def settled(self) -> Target:
        """These options with the server's address found out, so that it is looked up only once.

        Raises:
            CommandFailed: the text is not an address.
        """
        return Target(self.address().base_url, self.data_dir)

    def folder(self) -> Path:
        """Where our data is kept."""
        from ecs_localai.store.folder import data_folder

        return data_folder(self.data_dir)

    def address(self) -> HostAddress:
        """The server's address: ``--host``, else ``OLLAMA_HOST``, else the one saved, else Ollama's default.

        Raises:
            CommandFailed: the text is not an address.
        """
        return self.address_and_source()[0]

    def address_and_source(self) -> tuple[HostAddress, str]:
        """The server's address and what named it.

        Raises:
            CommandFailed: the text is not an address.
        """
        if self.host is not None:
            return _parsed(self.host, ""), "--host"
        if named := os.environ.get("OLLAMA_HOST", "").strip():
            return _parsed(named, "OLLAMA_HOST is no address. "), "OLLAMA_HOST"
        if saved := self._saved_host():
            return _parsed(saved, "The saved host is no address; choose one with --host. "), "the panel's host field"
        return parse_host(""), "Ollama's default"

    def configuration(self) -> OllamaConfiguration:
        """The server's address as the world's configuration.

        Raises:
            CommandFailed: the text is not an address.
        """
        from ecs_localai.systems.host_connection import configuration_of

        address = self.address()
        try:
            return configuration_of(address)
        except ValueError as error:
            raise CommandFailed(str(error)) from error

    def ask(self, question: Callable[[OllamaClient], Awaitable[T]]) -> T:
        """Ask the server something with a client of its own, and wait for the answer.

        Raises:
            CommandFailed, OllamaError: with a sentence.
        """
        import asyncio

        from ecs_localai.ollama.client import OllamaClient

        address = self.address()

        async def answer() -> T:
            async with OllamaClient(address.base_url) as client:
                return await question(client)

        return asyncio.run(answer())

    def _saved_host(self) -> str | None:
        """The host that was typed into the panel; nothing is created to find it out."""
        from ecs_localai.store.opening import FILE_NAME

        folder = self.folder()
        try:
            if not (folder / FILE_NAME).exists():
                return None
        except OSError:
            return None
        from ecs_localai.store.store import Store

        with Store.open(folder) as store:
            if store.notice is not None:
                warn(store.notice)
            saved = store.initial.settings.get("host")
        return saved if isinstance(saved, str) and saved else None


def _parsed(text: str, prefix: str) -> HostAddress:
    try:
        return parse_host(text)
    except InvalidHost as error:
        raise CommandFailed(prefix + error.message) from error
