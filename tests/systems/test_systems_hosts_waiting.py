"""What has to wait makes nobody else wait: keyrings that ask a person first, silent hosts, and an app that ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import keyring
import psutil
import pytest
from keyring.compat import properties
from keyrings.alt.file import PlaintextKeyring  # type: ignore[import-untyped]  # it has no annotations

from ecs_localai import (
    AddHostRequested,
    DeleteModelRequested,
    EditHostRequested,
    FindHostsRequested,
    HostSecret,
    InstallRequested,
    OllamaAuth,
    OllamaConfiguration,
    OllamaHosts,
    RefreshRequested,
    SecretPlace,
    SecretSource,
)
from ecs_localai.ollama.errors import ErrorKind
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.rig.waiting import wait_until
from tests.systems.systems_parts import Driven, config_for

MANY = 50


class LockedKeyring(PlaintextKeyring):  # type: ignore[misc]  # as above
    """A keyring in a file that tells nothing before somebody has unlocked it, as one of a desktop may."""

    @properties.classproperty
    def priority(cls) -> float:
        """None: it is a keyring only where this test chooses it, not one that is found on the machine."""
        raise RuntimeError("only where it is chosen")

    def __init__(self) -> None:
        super().__init__()
        self.unlocked = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        """The secret, once it has been unlocked."""
        self.unlocked.wait()
        found: str | None = super().get_password(service, username)
        return found


@pytest.fixture
def locked_keyring() -> Iterator[LockedKeyring]:
    """The keyring of this process, until the end of the test, when it is unlocked."""
    before = keyring.get_keyring()
    chosen = LockedKeyring()
    keyring.set_keyring(chosen)
    try:
        yield chosen
    finally:
        chosen.unlocked.set()
        wait_until(lambda: not any(thread.name == "host-secret" for thread in threading.enumerate()))
        keyring.set_keyring(before)


def test_a_locked_keyring_makes_only_its_own_hosts_wait(
    locked_keyring: LockedKeyring, ollama_server: OllamaServer
) -> None:
    """Neither the others nor the end of the app: names are still looked up, and nothing hangs."""
    locked_keyring.set_password("ecs-localai", "there", "a-token")
    nobody = closed_port()
    with Driven(ollama_server.port) as driven:
        hosts = driven.app.world.resource(OllamaHosts)
        for number in range(MANY):
            auth = OllamaAuth.bearer(source=SecretSource(SecretPlace.KEYRING, "there"))
            config = OllamaConfiguration(port=nobody, base_path=f"/{number}", authentication=auth)
            hosts.add(config, f"Locked {number}")
        hosts.add(OllamaConfiguration(host="no-such-host.invalid"), "Looked up")
        driven.until(lambda: hosts.require("Looked up").health.last_error_kind == ErrorKind.DNS)
        driven.connect()
        locked = [one for one in hosts.all() if one.host.name.startswith("Locked")]
        assert all(one.health.last_health_check is None for one in locked)
        locked_keyring.unlocked.set()
        driven.until(lambda: all(one.health.last_error_kind == ErrorKind.REFUSED for one in locked))


def test_an_app_ends_while_a_keyring_waits_for_its_person(locked_keyring: LockedKeyring) -> None:
    auth = OllamaAuth.bearer(source=SecretSource(SecretPlace.KEYRING, "there"))
    with Driven() as driven:
        hosts = driven.app.world.resource(OllamaHosts)
        hosts.add(OllamaConfiguration(port=closed_port(), authentication=auth), "Locked")
        driven.until(lambda: hosts.require("Locked").link.probe is not None)
        assert hosts.require("Locked").health.last_health_check is None


def test_fifty_silent_hosts_make_no_other_wait(ollama_server: OllamaServer, fresh_ollama: OllamaServer) -> None:
    """All of them at one server that accepts connections and answers nothing, below a path of its own each."""
    fresh_ollama.pause()
    try:
        with Driven() as driven:
            hosts = driven.app.world.resource(OllamaHosts)
            for number in range(MANY):
                hosts.add(OllamaConfiguration(port=fresh_ollama.port, base_path=f"/{number}"), f"Silent {number}")
            hosts.add(config_for(ollama_server.port), "Good")
            driven.until(lambda: hosts.require("Good").models.synced)
            silent = [one for one in hosts.all() if one.host.name.startswith("Silent")]
            assert all(one.health.last_health_check is None for one in silent)
    finally:
        fresh_ollama.unpause()


@pytest.mark.parametrize("frames", [0, 1, 2, 5, 30, 150])
def test_an_app_may_end_in_the_middle_of_everything(
    frames: int, ollama_server: OllamaServer, fresh_ollama: OllamaServer, registry: Registry, tmp_path: Path
) -> None:
    registry.files.throttle(1_000_000)
    (tmp_path / "token").write_text("a-token")
    auth = OllamaAuth.bearer(source=SecretSource(SecretPlace.FILE, str(tmp_path / "token")))
    with Driven(ollama_server.port, data_dir=tmp_path / "data") as driven:
        hosts = driven.app.world.resource(OllamaHosts)
        hosts.add(OllamaConfiguration(port=fresh_ollama.port, authentication=auth), "Other")
        driven.write(InstallRequested(registry.name_for("smollm2:135m"), ["Other"]))
        driven.write(InstallRequested(registry.name_for("middle:latest"), ["Other"]))
        driven.write(FindHostsRequested())
        driven.write(DeleteModelRequested("no-such-model", "Other"))
        driven.write(AddHostRequested(f"127.0.0.1:{closed_port()}", "Third", secret=HostSecret("ending", "x")))
        for number in range(frames):
            if number == frames - 1:
                driven.write(EditHostRequested("Other", fresh_ollama.base_url, "Edited", OllamaConfiguration()))
                driven.write(RefreshRequested())
            driven.update()
    there = psutil.Process().net_connections("tcp")
    assert not [one for one in there if one.raddr and one.raddr.port in {ollama_server.port, fresh_ollama.port}]
