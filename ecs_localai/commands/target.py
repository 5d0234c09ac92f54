"""Which Ollama a command talks to, and which folder keeps our data."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ecs_localai.ollama.address import HostAddress, parse_host

if TYPE_CHECKING:
    from ecs_localai.commands.host_book import HostBook
    from ecs_localai.components.hosts import OllamaConfiguration
    from ecs_localai.ollama.client import OllamaClient

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Target:
    """The common options as they were given; None for those that were not."""

    host: str | None = None
    """The name of a host of the list, or an address."""
    data_dir: Path | None = None

    def or_else(self, other: Target) -> Target:
        """These options, and where they were not given, the other's."""
        return Target(
            other.host if self.host is None else self.host,
            other.data_dir if self.data_dir is None else self.data_dir,
        )

    def folder(self) -> Path:
        """Where our data is kept."""
        from ecs_localai.store.folder import data_folder

        return data_folder(self.data_dir)

    def book(self) -> HostBook:
        """The hosts, of which ``--host``, else ``OLLAMA_HOST``, else the list names the one to talk to.

        Reads the disk: call it once.

        Raises:
            CommandFailed: what names it is neither a name nor an address.
        """
        from ecs_localai.commands.host_book import read_book

        return read_book(self.folder(), self.host)

    def address_and_source(self) -> tuple[HostAddress, str]:
        """The server's address and what named it.

        Raises:
            CommandFailed: what names it is neither a name nor an address.
        """
        book = self.book()
        return parse_host(book.chosen.config.base_url), book.source

    def configuration(self) -> OllamaConfiguration | None:
        """The host that is the default one in this run; None where the saved list says that itself.

        Raises:
            CommandFailed: what names it is neither a name nor an address.
        """
        if self.host is None and not os.environ.get("OLLAMA_HOST", "").strip():
            return None
        return self.book().chosen.config

    def ask(self, question: Callable[[OllamaClient], Awaitable[T]]) -> T:
        """Ask the server something with a client of its own, and wait for the answer.

        Raises:
            CommandFailed, OllamaError: with a sentence.
        """
        from ecs_localai.commands.asking import ask

        return ask(self.book().chosen, question)
