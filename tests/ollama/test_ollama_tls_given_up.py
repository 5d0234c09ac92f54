"""A call over TLS that is given up, at whatever moment of its connecting, leaves no connection when its loop ends."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import ssl
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

from ecs_localai.components.tls import TlsSettings
from ecs_localai.ollama import OllamaClient
from tests.rig.proxy_certificates import ProxyCertificates
from tests.rig.waiting import wait_until

TRIES = 150


@contextlib.contextmanager
def _silent_after_handshake(context: ssl.SSLContext) -> Iterator[tuple[int, list[socket.socket]]]:
    """A server that shakes hands and then says no word, not even that it has heard the end: its port, and the
    connections that it has taken by now."""
    listener = socket.create_server(("127.0.0.1", 0))
    taken: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.settimeout(5)
            try:
                taken.append(context.wrap_socket(connection, server_side=True))
            except OSError:  # given up in the middle of the handshake
                connection.close()

    thread = threading.Thread(target=serve, name="silent after its handshake")
    thread.start()
    try:
        yield listener.getsockname()[1], taken
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()
        for connection in taken:
            connection.close()


def test_a_call_given_up_at_any_moment_of_its_handshake_leaves_nothing(tmp_path: Path) -> None:
    """Asyncio waits for the server's word before it ends such a connection, and the loop may be gone by then."""
    certificates = ProxyCertificates(tmp_path)

    async def give_up_often(port: int, taken: list[socket.socket]) -> None:
        clock = asyncio.get_running_loop().time
        client = OllamaClient(f"https://localhost:{port}", tls=TlsSettings(ca_file=certificates.ca_file))
        first = asyncio.create_task(client.version())
        await asyncio.to_thread(wait_until, lambda: taken, 30.0, "the certificates to be read and a handshake to end")
        first.cancel()
        context = ssl.create_default_context(cafile=certificates.ca_file)
        begun = clock()
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        await writer.start_tls(context, server_hostname="localhost")
        whole = clock() - begun
        writer.transport.abort()
        for step in range(TRIES):
            call = asyncio.create_task(client.version())
            await asyncio.sleep(2 * whole * (step / TRIES))
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
        await asyncio.gather(first, return_exceptions=True)
        await client.aclose()

    with _silent_after_handshake(certificates.server()) as server, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ResourceWarning)
        asyncio.run(give_up_often(*server))
        gc.collect()
    assert [str(one.message) for one in told if "unclosed" in str(one.message)] == []
