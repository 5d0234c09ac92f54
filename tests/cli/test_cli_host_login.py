"""Hosts behind a real proxy with a log-in and TLS: every command gets in by the list, and tells no secret."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.cli_parts import Cli, Ended
from tests.ollama.ollama_proxy import ReverseProxy, standing
from tests.rig.ollama_server import OllamaServer
from tests.rig.proxy_certificates import ProxyCertificates
from tests.rig.tls_proxy import TlsProxy

pytestmark = pytest.mark.ollama

SECRET = "sk-5p1ll-n0th1ng"
WRONG = "sk-wr0ng-0ne"


@pytest.fixture
def proxy(ollama_server: OllamaServer) -> Iterator[ReverseProxy]:
    """A proxy that wants a bearer token, under a path."""
    with standing(ReverseProxy(ollama_server.port, token=SECRET, base_path="/ai")) as started:
        yield started


def keyring_in(folder: Path) -> dict[str, str]:
    """A real keyring of the test's own: a file, without a password."""
    return {"PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring", "XDG_DATA_HOME": str(folder / "keyring")}


def keyring_text(folder: Path) -> str:
    """All that such a keyring holds, in its own form."""
    return "".join(file.read_text() for file in (folder / "keyring").rglob("*.cfg"))


def quiet(ended: Ended) -> Ended:
    """The same, once it is sure that no secret is in it."""
    for secret in (SECRET, WRONG):
        assert secret not in ended.out + ended.err
    return ended


def add(cli: Cli, *arguments: str, env: dict[str, str] | None = None) -> None:
    """Add a host, which works."""
    ended = quiet(cli.run("hosts", "add", *arguments, env=env))
    assert (ended.code, ended.err) == (0, ""), ended


def look(cli: Cli, name: str, env: dict[str, str] | None = None) -> dict[str, object]:
    """What ``hosts --json`` says of a host."""
    ended = quiet(cli.run("hosts", "--json", env=env))
    assert (ended.code, ended.err) == (0, ""), ended
    return next(one for one in ended.objects if one["name"] == name)


def test_a_token_from_the_environment_lets_every_command_in(cli: Cli, proxy: ReverseProxy) -> None:
    env = {"TOKEN": SECRET}
    add(cli, f"127.0.0.1:{proxy.port}/ai", "--name", "gate", "--bearer-env", "TOKEN", "--default", env=env)
    told = look(cli, "gate", env)
    assert (told["connected"], told["error"], told["is_default"]) == (True, None, True)
    assert told["authentication"] == {
        "kind": "Bearer",
        "username": None,
        "header_names": [],
        "source": {"place": "environment", "name": "TOKEN"},
        "header_sources": {},
    }
    for arguments in (
        ("list",),
        ("--host", "gate", "ps"),
        ("show", "tiny", "--host", f":{proxy.port}/ai"),
        ("doctor",),
    ):
        ended = quiet(cli.run(*arguments, env=env))
        assert (ended.code, ended.err) == (0, ""), ended
    ended = quiet(cli.run("run", "--headless", "--frames", "3", "--json", "--host", "gate", env=env))
    assert (ended.code, ended.err) == (0, "")
    ended = quiet(cli.run("save", "world.json", "--host", "gate", env=env))
    assert ended.code == 0
    assert not any(SECRET.encode() in file.read_bytes() for file in cli.data_dir.rglob("*") if file.is_file())


def test_what_is_wrong_with_a_log_in_is_said_with_what_to_change(cli: Cli, proxy: ReverseProxy) -> None:
    address = f"127.0.0.1:{proxy.port}/ai"
    ended = quiet(cli.run("list", "--host", address))
    assert ended.code == 1
    add(cli, address, "--name", "gate")
    assert quiet(cli.run("hosts")).out.count("Log-in needed") == 1
    assert "ecs-localai hosts edit gate --bearer" in str(look(cli, "gate")["advice"])
    assert cli.run("hosts", "edit", "gate", "--bearer-env", "TOKEN", env={"TOKEN": WRONG}).code == 0
    told = look(cli, "gate", {"TOKEN": WRONG})
    assert (told["connected"], told["error_kind"]) == (False, "unauthorized")
    assert "TOKEN" in str(look(cli, "gate")["error"])  # the variable is not set
    checked = quiet(cli.run("hosts", "check", "gate", env={"TOKEN": WRONG}))
    assert checked.code == 1
    assert "a bearer token, kept in the environment variable TOKEN" in checked.out
    assert "→ Correct the secret where it is kept" in checked.out
    checks = {one["check"]: one for one in quiet(cli.run("doctor", "--json")).objects}
    assert checks["host gate"]["status"] == "warn"
    assert "TOKEN" in str(checks["host gate"]["detail"])


def test_a_password_from_a_file_and_a_header_from_a_file(cli: Cli, ollama_server: OllamaServer, tmp_path: Path) -> None:
    place = tmp_path / "secret"
    place.write_text(SECRET + "\n")
    place.chmod(0o600)
    with standing(ReverseProxy(ollama_server.port, basic=("ada", SECRET))) as proxy:
        add(cli, f":{proxy.port}", "--name", "basic", "--user", "ada", "--password-file", "secret")
        assert look(cli, "basic")["connected"] is True
    with standing(ReverseProxy(ollama_server.port, header=("X-Api-Key", SECRET))) as proxy:
        add(cli, f":{proxy.port}", "--name", "header", "--header", "X-Api-Key", "--header-file", "secret")
        assert look(cli, "header")["connected"] is True


def test_a_token_that_is_asked_for_goes_into_the_keyring_and_leaves_it_with_the_host(
    cli: Cli, proxy: ReverseProxy, tmp_path: Path
) -> None:
    env = keyring_in(tmp_path)
    ended = quiet(
        cli.on_terminal(
            "hosts", "add", f":{proxy.port}/ai", "--name", "gate", "--bearer",
            keys=SECRET.encode() + b"\n", after="Bearer token: ", env=env,
        )
    )  # fmt: skip
    assert ended.code == 0, ended.out
    assert "stand unencrypted" in " ".join(ended.out.split())  # this one encrypts nothing
    assert keyring_text(tmp_path).count("ecs") == 1
    assert look(cli, "gate", env)["connected"] is True
    checked = quiet(cli.run("hosts", "check", "gate", env=env))
    assert (checked.code, checked.err) == (0, "")
    assert f"kept in the keyring's entry 127.0.0.1:{proxy.port}/ai" in checked.out
    keyring = {one["check"]: one for one in quiet(cli.run("doctor", "--json", env=env)).objects}["keyring"]
    assert keyring["status"] == "warn"
    assert str(tmp_path) in str(keyring["detail"])
    assert "stand unencrypted" in str(keyring["detail"])
    # Without one, the host that needs it cannot be used.
    without = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    keyring = {one["check"]: one for one in quiet(cli.run("doctor", "--json", env=without)).objects}["keyring"]
    assert (keyring["status"], "gate" in str(keyring["detail"])) == ("fail", True)
    assert "no keyring" in str(look(cli, "gate", without)["error"])
    assert cli.run("hosts", "remove", "gate", env=env).code == 0
    assert f"{proxy.port}" not in keyring_text(tmp_path)


def test_without_a_keyring_nothing_is_added(cli: Cli, proxy: ReverseProxy) -> None:
    ended = quiet(
        cli.on_terminal(
            "hosts", "add", f":{proxy.port}/ai", "--name", "gate", "--bearer",
            keys=SECRET.encode() + b"\n", after="Bearer token: ",
            env={"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"},
        )
    )  # fmt: skip
    assert ended.code == 1
    assert "no keyring" in ended.out
    assert [one["name"] for one in cli.run("hosts", "--json").objects] == ["This computer"]
    interrupted = cli.on_terminal("hosts", "add", f":{proxy.port}/ai", "--bearer", keys=b"\x04", after="Bearer token: ")
    assert interrupted.code == 1
    assert "Error: Interrupted." in interrupted.out


def test_a_certificate_of_ones_own_is_trusted_by_naming_it(
    cli: Cli, ollama_server: OllamaServer, tmp_path: Path
) -> None:
    certificates = ProxyCertificates(tmp_path)
    with standing(ReverseProxy(ollama_server.port, tls=certificates.server("gate.example"))) as proxy:
        add(cli, f"https://127.0.0.1:{proxy.port}", "--name", "gate")
        told = look(cli, "gate")
        assert (told["connected"], told["error_kind"]) == (False, "tls")
        assert "ecs-localai hosts edit gate --ca-file FILE" in str(told["advice"])
        checked = quiet(cli.run("hosts", "check", "gate"))
        assert checked.code == 1
        assert "gate.example" in checked.out  # whom the certificate is for
        assert "Rig CA" in checked.out  # and who signed it
        assert cli.run("hosts", "edit", "gate", "--ca-file", certificates.ca_file).code == 0
        told = look(cli, "gate")
        assert told["error_kind"] == "tls"  # it is for another name
        assert "--server-name NAME" in str(told["advice"])
        assert cli.run("hosts", "edit", "gate", "--server-name", "gate.example").code == 0
        told = look(cli, "gate")
        assert (told["connected"], told["error"]) == (True, None)
        assert told["answered_address"] == "127.0.0.1"
        ended = cli.run("list", "--host", "gate", "--json")
        assert (ended.code, ended.err) == (0, "")
        assert {one["host_name"] for one in ended.objects} == {"gate"}
        (told,) = cli.run("hosts", "check", "gate", "--json").objects
        certificate = told["certificate"]
        assert isinstance(certificate, dict)
        assert certificate["names"] == ["gate.example"]


def test_who_we_are_is_shown_by_a_certificate(cli: Cli, ollama_server: OllamaServer, tmp_path: Path) -> None:
    certificates = ProxyCertificates(tmp_path)
    tls = certificates.server(client_ca=certificates.ca)
    ours, key = certificates.client(password=SECRET)
    with TlsProxy(ollama_server.port, tls) as proxy:
        address = f"https://127.0.0.1:{proxy.port}"
        add(cli, address, "--name", "gate", "--ca-file", certificates.ca_file)
        told = look(cli, "gate")
        assert told["connected"] is False
        assert "--client-cert FILE --client-key FILE" in str(told["advice"])
        env = {"KEY_PASSWORD": SECRET}
        options = ("--client-cert", ours, "--client-key", key, "--key-password-env", "KEY_PASSWORD")
        assert cli.run("hosts", "edit", "gate", *options, env=env).code == 0
        told = look(cli, "gate", env)
        assert (told["connected"], told["error"]) == (True, None)
        (tmp_path / "ca.pem").unlink()
        told = look(cli, "gate", env)
        assert f"{certificates.ca_file} does not exist" in str(told["error"])
        assert "Name the right file" in str(told["advice"])
