"""Secrets are in no answer."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecs_localai.components.authentication import AuthKind, OllamaAuth
from ecs_localai.components.hosts import OllamaConfiguration, OllamaHostManager
from ecs_localai.components.models import LocalModelManager
from ecs_localai.remote.methods import METHODS
from ecs_localai.runtime.type_registry import TypeRegistry
from ecs_localai.testing import run_until
from tests.remote.remote_parts import Remote, Watcher, request

# Characters that nothing around the secret is written with, so that finding one means that it leaked.
UNMISTAKABLE = st.text("ЖФЩЪЮЯ☂☃", min_size=4, max_size=12)
KINDS = (OllamaAuth, OllamaConfiguration, OllamaHostManager, LocalModelManager)


@dataclass
class Login:
    """A program's own component, which nobody registers."""

    password: str


def leaks(secret: str, text: bytes) -> bool:
    """Whether the secret is in there, in any of the ways in which it might be."""
    shown = text.decode()
    codes = [secret, secret.encode().hex(), base64.b64encode(secret.encode()).decode(), ascii(secret)[1:-1]]
    return any(code in shown for code in codes)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(secret=UNMISTAKABLE, kind=st.sampled_from(AuthKind), registered=st.booleans())
def test_no_answer_has_a_secret(remote: Remote, secret: str, kind: AuthKind, registered: bool) -> None:
    world = remote.app.world
    if registered:
        world.resource(TypeRegistry).register(*KINDS)
    auth = {
        AuthKind.BEARER: lambda: OllamaAuth(bearer_token=secret),
        AuthKind.BASIC: lambda: OllamaAuth(username="ada", password=secret),
        AuthKind.HEADERS: lambda: OllamaAuth(headers={"X-Api-Key": secret}),
    }[kind]()
    config = OllamaConfiguration(authentication=auth)
    entity = world.spawn(auth, config, OllamaHostManager(config), Login(secret))
    world.insert_resource(LocalModelManager(ollama_config=config))
    world.insert_resource(Login(secret))
    remote.app.send_event(auth)
    remote.app.send_event(Login(secret))
    names = ["OllamaAuth", "OllamaConfiguration", "OllamaHostManager", "Login"]
    bodies = [
        request("world.query", data={"option": "all"}),
        request("world.get_components", entity=entity, components=names),
        *(request("world.get_components", entity=entity, components=[name], strict=True) for name in names),
        *(request("world.get_resources", resource=name) for name in ("LocalModelManager", "Login")),
        *(request(method) for method in METHODS if "+watch" not in method),
    ]
    answers = [remote.post(body).body for body in bodies]
    assert not any(leaks(secret, answer) for answer in answers)
    if registered:
        assert kind.value.encode() in answers[0]  # what may be told of it is told
    world.despawn(entity)


@pytest.mark.parametrize("method", ["world.get_components+watch", "app.events+watch"])
def test_no_watcher_is_told_a_secret(remote: Remote, method: str) -> None:
    remote.app.world.resource(TypeRegistry).register(*KINDS)
    auth = OllamaAuth(bearer_token="ЖФЩЪЮЯ")
    entity = remote.app.world.spawn(auth, Login("ЖФЩЪЮЯ"))
    remote.app.send_event(auth)
    remote.app.send_event(Login("ЖФЩЪЮЯ"))
    params: dict[str, object] = {"entity": entity, "components": ["OllamaAuth", "Login"]} if "get" in method else {}
    with Watcher(remote, method, **params) as watcher:
        run_until(remote.app, lambda: "Bearer" in str(watcher.messages))
        assert not leaks("ЖФЩЪЮЯ", str(watcher.messages).encode())
