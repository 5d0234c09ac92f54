"""Addresses of servers of OpenAI's API, as people type them: with or without ``/v1``, or with a whole path.

The API's paths stand below ``/v1`` everywhere (llama.cpp's server, LM Studio, vLLM, LocalAI, Jan, Ollama), some
gateways have another version there.
"""

from __future__ import annotations

import dataclasses
import re

from ecs_localai.ollama.address import HostAddress, parse_host

__all__ = ["OpenAIAddress", "parse_openai_address"]

_CALLS = ("/chat/completions", "/completions", "/embeddings", "/models")
_VERSION = re.compile(r"v\d+\w*")


@dataclasses.dataclass(frozen=True, slots=True)
class OpenAIAddress:
    """Where a server is, and where its API stands on it."""

    root: HostAddress
    """The server itself, or what a reverse proxy puts before it."""
    api_path: str
    """What comes between `root` and a call such as ``/models``: ``/v1``, as a rule."""

    @property
    def base_url(self) -> str:
        """The URL of the API, such as ``http://127.0.0.1:8080/v1``."""
        return self.root.base_url + self.api_path

    @property
    def display(self) -> str:
        """The address as one shows it to people: ``127.0.0.1:8080``."""
        return self.root.display


def parse_openai_address(text: str) -> OpenAIAddress:
    """Read an address as `parse_host` does (without a port 11434, where Ollama speaks this protocol, too).

    ``/v1`` is added unless the path has a version in it already; the path of a call at the end (``/v1/models``) is
    left out. Raises InvalidHost with a sentence that says what is wrong.
    """
    address = parse_host(text)
    path = address.base_path
    for call in _CALLS:
        if path.endswith(call):
            path = path.removesuffix(call)
            break
    parts = path.split("/")
    versions = [at for at, part in enumerate(parts) if _VERSION.fullmatch(part)]
    cut = versions[0] if versions else len(parts)
    root = dataclasses.replace(address, base_path="/".join(parts[:cut]))
    return OpenAIAddress(root, "/" + "/".join(parts[cut:]) if versions else "/v1")
