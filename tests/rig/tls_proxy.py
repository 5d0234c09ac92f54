"""A real TLS terminator before a plain server, as stunnel is: handshakes tell the client by an alert why they failed.

asyncio's own TLS server closes the connection without one, and leaves connections open whose client says no goodbye.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from types import TracebackType


class TlsProxy:
    """Takes TLS connections on ``host`` and passes their bytes on to a port of 127.0.0.1; use it with ``with``."""

    def __init__(self, target_port: int, context: ssl.SSLContext, host: str = "127.0.0.1") -> None:
        self._target_port = target_port
        self._context = context
        self._listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._accept, name="rig-tls-proxy")]
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> TlsProxy:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._threads[0].join()
        self._listener.close()
        for thread in self._threads[1:]:
            thread.join()

    def _accept(self) -> None:
        while not self._stop.is_set():
            if not select.select([self._listener], [], [], 0.05)[0]:
                continue
            client, _ = self._listener.accept()
            thread = threading.Thread(target=self._serve, args=(client,), name="rig-tls-proxy-connection")
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(5)
        with self._context.wrap_socket(client, server_side=True, do_handshake_on_connect=False) as secure:
            try:
                secure.do_handshake()
                with socket.create_connection(("127.0.0.1", self._target_port), timeout=5) as plain:
                    self._pass_on(secure, plain)
            except OSError:  # what the client thinks of it is the client's affair
                self._end(secure)

    def _end(self, client: ssl.SSLSocket) -> None:
        """Closes so that the alert arrives: an end with unread bytes would be a reset, which overtakes it."""
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                pass

    def _pass_on(self, secure: ssl.SSLSocket, plain: socket.socket) -> None:
        while not self._stop.is_set():
            ready = [secure] if secure.pending() else select.select([secure, plain], [], [], 0.05)[0]
            for source in ready:
                data = source.recv(65536)
                if not data:
                    with contextlib.suppress(OSError):
                        secure.unwrap()
                    return
                (plain if source is secure else secure).sendall(data)
