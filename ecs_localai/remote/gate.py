"""Which HTTP requests are let in: those of programs on this machine, not those that a web page makes a browser send.

A page from anywhere can make a browser send requests to 127.0.0.1, and by DNS rebinding (a name that is first the
page's own server and then 127.0.0.1) it can read the answers. Browsers name the page in ``Origin`` with every POST,
and the page's name in ``Host``; programs send no ``Origin``, and a ``Host`` that says where they really went.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MOST_BODY_BYTES: Final = 256 * 1024
_HOST: Final = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[^:\[\]@/]+)(?::(?P<port>[0-9]{1,5}))?")
_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not let in."""

    status: int
    """HTTP's."""
    message: str


def refusal(
    method: str, path: str, hosts: Sequence[str], has_origin: bool, content_types: Sequence[str]
) -> Refusal | None:
    """Why this HTTP request is not let in; None for one that is.

    The headers are given as often as they were sent.
    """
    if has_origin:
        return Refusal(403, "Requests with an Origin header come from web pages, and are refused.")
    if len(hosts) != 1 or not is_loopback(hosts[0]):
        return Refusal(403, "The Host header does not name this machine's loopback: send to 127.0.0.1 or localhost.")
    if path != "/":
        return Refusal(404, "There is nothing here. POST to the path /.")
    if method != "POST":
        return Refusal(405, "POST a JSON-RPC 2.0 request; nothing else is answered.")
    if len(content_types) != 1 or content_types[0].partition(";")[0].strip().lower() != _JSON:
        return Refusal(415, f"The body is JSON: send the header Content-Type: {_JSON}.")
    return None


def is_loopback(host: str) -> bool:
    """Whether a Host header names the loopback of this machine, with whatever port (a tunnel's may differ)."""
    match = _HOST.fullmatch(host.strip())
    if match is None:
        return False
    name = match["name"].strip("[]")
    if name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
