"""A run in which everything fails, with all logging on: none of its output holds a secret."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
from pathlib import Path

import pytest

from tests.ollama.ollama_proxy import ReverseProxy
from tests.rig.odd_servers import CaptivePortal, NotHttp, closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.proxy_certificates import ProxyCertificates

TOKEN = "tok-9f27c1d4e85b"
PASSWORD = "pass-6b0e77aa31"
HEADER = "head-42cc90d1fe"
KEY_PASSWORD = "key-81d2b3a6c7"

_RUN = """
import asyncio, logging, sys, traceback
from rich.console import Console
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
for name in ("aiohttp.client", "aiohttp.internal", "asyncio", "keyring", "ecs_localai"):
    logging.getLogger(name).setLevel(logging.DEBUG)
from ecs_localai.components.authentication import OllamaAuth
from ecs_localai.components.codec import encode
from ecs_localai.components.hosts import OllamaConfiguration
from ecs_localai.components.secret_source import SecretPlace, SecretSource
from ecs_localai.components.tls import TlsSettings
from ecs_localai.ollama import OllamaClient, OllamaError
from ecs_localai.ollama.secrets import resolve_auth

token_file, certificate, key, key_password, ca_file, *urls = sys.argv[1:]
environment = lambda name: SecretSource(SecretPlace.ENVIRONMENT, name)
auths = [
    OllamaAuth.bearer(source=SecretSource(SecretPlace.FILE, token_file)),
    OllamaAuth.basic("ada", source=environment("RUN_PASSWORD")),
    OllamaAuth.headers({"X-Api-Key": environment("RUN_HEADER")}),
]
right = TlsSettings(ca_file, certificate, key, SecretSource(SecretPlace.FILE, key_password))
wrong = TlsSettings(ca_file, certificate, key, SecretSource(SecretPlace.FILE, token_file))
failures = answers = 0

def show(error):
    while error is not None:
        print("ERROR", str(error), repr(error), error.args, vars(error))
        logging.getLogger("ecs_localai").error("%r", error, exc_info=error)
        traceback.print_exception(error)
        error = error.__cause__ or error.__context__

async def main():
    global failures, answers
    for url in urls:
        for auth in auths:
            for tls in (None, right, wrong) if url.startswith("https") else (right,):
                headers = await asyncio.to_thread(resolve_auth, auth)
                config = OllamaConfiguration(authentication=auth, tls=tls)
                print(config, encode(config), auth, tls)
                async with OllamaClient(url, headers=headers, tls=tls, connect_timeout=2, timeout=2) as client:
                    print(client, vars(client).keys())
                    for call in (client.version, client.tags, lambda: client.pull("x", stall_timeout=2)):
                        try:
                            await call()
                            answers += 1
                        except OllamaError as error:
                            failures += 1
                            Console(width=200).print(error)
                            show(error)
    print("FAILURES", failures, "ANSWERS", answers)

asyncio.run(main(), debug=True)
"""


@pytest.mark.ollama
async def test_no_output_of_a_failing_run_holds_a_secret(ollama_server: OllamaServer, tmp_path: Path) -> None:
    certificates = ProxyCertificates(tmp_path)
    certificate, key = certificates.client(password=KEY_PASSWORD)
    for name, content in (("token", TOKEN), ("key-password", KEY_PASSWORD)):
        (tmp_path / name).write_text(content + "\n")
        (tmp_path / name).chmod(0o644)  # so that there is a warning, too
    environment = {**os.environ, "RUN_PASSWORD": PASSWORD, "RUN_HEADER": HEADER, "PYTHONASYNCIODEBUG": "1"}
    with CaptivePortal() as portal, NotHttp() as not_http:
        async with (
            ReverseProxy(ollama_server.port, token="another") as plain,
            ReverseProxy(ollama_server.port, token="another", tls=certificates.server("localhost")) as secure,
            ReverseProxy(ollama_server.port, tls=certificates.server(days_from=-9, days_to=-2)) as expired,
        ):
            urls = [
                f"http://127.0.0.1:{plain.port}",
                f"https://localhost:{secure.port}",
                f"https://127.0.0.1:{secure.port}",
                f"https://localhost:{expired.port}",
                f"https://localhost:{plain.port}",
                f"http://localhost:{secure.port}",
                f"http://127.0.0.1:{closed_port()}",
                portal.base_url,
                not_http.base_url,
            ]
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-X", "dev", "-c", _RUN, str(tmp_path / "token"), certificate, key),
                *(str(tmp_path / "key-password"), certificates.ca_file, *urls),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=environment,
            )
            output = (await asyncio.wait_for(process.communicate(), 110))[0].decode()
            sent = [headers for proxy in (plain, secure) for headers in proxy.headers]
    assert process.returncode == 0, output[-3000:]
    asked = sum(3 * 3 * (3 if url.startswith("https") else 1) for url in urls)
    assert f"FAILURES {asked} ANSWERS 0" in output
    assert "CertificateRefused" in output
    assert "chmod 600" in output
    shown = [TOKEN, PASSWORD, HEADER, KEY_PASSWORD, base64.b64encode(f"ada:{PASSWORD}".encode()).decode()]
    for secret in shown:
        at = output.find(secret)
        assert at < 0, output[max(0, at - 500) : at + 50]
    # They were sent, so their absence above says something; and never to whom was not trusted.
    assert any(headers.get("Authorization") == f"Bearer {TOKEN}" for headers in sent)
    assert any(headers.get("X-Api-Key") == HEADER for headers in sent)
    # Not to say that nobody came by: other tests look for what answers on this machine.
    assert not [headers for headers in expired.headers if {"Authorization", "X-Api-Key"} & set(headers)]
