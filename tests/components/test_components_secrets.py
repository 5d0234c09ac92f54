"""Secrets are sent, and appear nowhere else."""

from __future__ import annotations

import base64
import copy
import pickle
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_localai.components.authentication import AuthKind, OllamaAuth
from ecs_localai.components.codec import DecodeError, decode, encode, to_builtins
from ecs_localai.components.hosts import OllamaConfiguration, OllamaHostManager
from ecs_localai.components.models import LocalModelManager
from tests.components.component_strategies import complete_auths

# Characters that nothing around the secret is written with, so that finding one means that it leaked.
UNMISTAKABLE = st.text("ЖФЩЪЮЯ☂☃", min_size=4, max_size=12)


def _holders(auth: OllamaAuth) -> list[object]:
    config = OllamaConfiguration(authentication=auth)
    return [auth, config, OllamaHostManager(config), LocalModelManager(ollama_config=config)]


@given(UNMISTAKABLE, st.sampled_from(AuthKind))
def test_a_secret_is_in_no_text_and_no_saved_data(secret: str, kind: AuthKind) -> None:
    auth = {
        AuthKind.BEARER: lambda: OllamaAuth(bearer_token=secret),
        AuthKind.BASIC: lambda: OllamaAuth(username="ada", password=secret),
        AuthKind.HEADERS: lambda: OllamaAuth(headers={"X-Api-Key": secret}),
    }[kind]()
    for holder in _holders(auth):
        texts = [repr(holder), str(holder), f"{holder}", repr(to_builtins(holder)), encode(holder).decode()]
        for text in [*texts, repr([holder]), pickle.dumps(holder).decode("utf-8", "replace")]:
            assert secret not in text
            assert secret.encode().hex() not in text
            assert base64.b64encode(secret.encode()).decode() not in text


@given(complete_auths())
def test_what_is_read_back_is_the_same_without_its_secrets(auth: OllamaAuth) -> None:
    back = decode(encode(auth), OllamaAuth)
    assert back == auth.without_secrets()
    assert back != auth
    assert (back.kind, back.username, back.header_names) == (auth.kind, auth.username, auth.header_names)
    assert auth.is_complete
    assert not back.is_complete
    assert not auth.without_secrets().is_complete
    with pytest.raises(ValueError, match="Enter them again"):
        back.request_headers()


def test_the_headers_to_send_carry_the_secret() -> None:
    assert OllamaAuth.bearer("t0k").request_headers() == {"Authorization": "Bearer t0k"}
    # The example of RFC 7617, section 2, and that of section 2.1 with a pound sign in UTF-8.
    basic = OllamaAuth.basic("Aladdin", "open sesame").request_headers()
    assert basic == {"Authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}
    assert OllamaAuth.basic("test", "123£").request_headers() == {"Authorization": "Basic dGVzdDoxMjPCow=="}
    assert OllamaAuth.headers({"X-Api-Key": "k"}).request_headers() == {"X-Api-Key": "k"}


@given(complete_auths(), complete_auths())
def test_equal_ones_have_equal_hashes_and_copies_keep_the_secret(one: OllamaAuth, other: OllamaAuth) -> None:
    assert one != other or hash(one) == hash(other)
    for twin in (copy.copy(one), copy.deepcopy(one)):
        assert twin == one
        assert twin.request_headers() == one.request_headers()


@pytest.mark.parametrize(
    "make",
    [
        lambda: OllamaAuth(),
        lambda: OllamaAuth(bearer_token="a", headers={"b": "c"}),
        lambda: OllamaAuth(bearer_token="a", username="b", password="c"),
        lambda: OllamaAuth(username="b"),
        lambda: OllamaAuth(password="c"),
        lambda: OllamaAuth(bearer_token=""),
        lambda: OllamaAuth(headers={}),
        lambda: OllamaAuth(username="a:b", password="c"),
        lambda: OllamaAuth(bearer_token="a\r\nHost: b"),
        lambda: OllamaAuth(headers={"a b": "c"}),
        lambda: OllamaAuth(headers={"a": "b\nc"}),
        lambda: OllamaAuth(headers={"": "c"}),
    ],
)
def test_incomplete_or_unsendable_credentials_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        make()


@pytest.mark.parametrize("host", ["me:hunter2@ai.local", "http://me:hunter2@ai.local"])
def test_a_password_in_a_host_is_refused_without_repeating_it(host: str) -> None:
    with pytest.raises(ValueError, match="as authentication") as caught:
        OllamaConfiguration(host=host)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b'{"kind": "Magic"}',
        b'{"kind": null}',
        b'{"kind": "Basic"}',
        b'{"kind": "Bearer", "username": "ada"}',
        b'{"kind": "Headers", "header_names": []}',
        b'{"kind": "Headers", "header_names": ["a b"]}',
        b'{"kind": "Headers", "header_names": [7]}',
        b'{"kind": "Headers", "header_names": "X"}',
        b'{"kind": "Bearer", "header_names": ["X"]}',
        b"[]",
    ],
)
def test_damaged_saved_credentials_are_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(data, OllamaAuth)
