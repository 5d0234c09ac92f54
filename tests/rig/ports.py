"""Free TCP ports for servers that must keep theirs over a restart."""

from __future__ import annotations

import random
import socket

# Below Linux's range for outgoing connections (32768-60999): between a server's end and its restart, a client's
# own socket could otherwise be given the very port that the server wants back.
_FIRST, _LAST = 20_000, 32_000


def free_port() -> int:
    """Returns a TCP port of 127.0.0.1 on which nobody listens now. Raises OSError when 200 tries found none."""
    for _ in range(200):
        port = random.randint(_FIRST, _LAST)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise OSError(f"no free TCP port between {_FIRST} and {_LAST}")
