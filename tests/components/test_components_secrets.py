"""Secrets are sent, and appear nowhere else."""

from __future__ import annotations

import base64
import copy
import pickle
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.pretty import pretty_repr

from ecs_localai.components.authentication import AuthKind, OllamaAuth
from ecs_localai.components.codec import DecodeError, decode, encode, to_builtins
from ecs_localai.components.hosts import OllamaAPIClient, OllamaConfiguration, OllamaHostManager
from ecs_localai.components.models import LocalModelManager
from ecs_localai.components.panel_intents import AddHostRequested, EditHostRequested, HostSecret
from ecs_localai.components.secret_source import SecretPlace, SecretSource
from ecs_localai.components.tls import TlsSettings
from tests.components.component_strategies import complete_auths

# Characters that nothing around the secret is written with, so that finding one means that it leaked.
UNMISTAKABLE = st.text("ЖФЩЪЮЯ☂☃", min_size=4, max_size=12)


KEPT = SecretSource(SecretPlace.KEYRING, "gateway")
PLACES = st.builds(SecretSource, st.sampled_from(SecretPlace), st.from_regex(r"[A-Z/][A-Za-z/-]{0,11}", fullmatch=True))


def _holders(auth: OllamaAuth) -> list[object]:
    config = OllamaConfiguration(authentication=auth)
    return [
        auth,
        config,
        OllamaAPIClient.for_host(config),
        OllamaHostManager(config),
        LocalModelManager(ollama_config=config),
        AddHostRequested("gpu-1", config=config),
        EditHostRequested("gpu-1", "gpu-2", config=config),
    ]


def _assert_hidden(secret: str, holder: object) -> None:
    """Neither shown nor written down: by `repr`, by rich (`__rich_repr__`), as JSON, pickled, alone or in a list."""
    texts = [repr(holder), str(holder), f"{holder}", repr(to_builtins(holder)), encode(holder).decode()]
    texts += [repr([holder]), pickle.dumps(holder).decode("utf-8", "replace"), pretty_repr(holder)]
    for text in texts:
        assert secret not in text
        assert secret.encode().hex() not in text
        assert base64.b64encode(secret.encode()).decode() not in text


@given(UNMISTAKABLE, st.sampled_from(AuthKind))
def test_a_secret_is_in_no_text_and_no_saved_data(secret: str, kind: AuthKind) -> None:
    auth = {
        AuthKind.BEARER: lambda: OllamaAuth(bearer_token=secret),
        AuthKind.BASIC: lambda: OllamaAuth(username="ada", password=secret),
        AuthKind.HEADERS: lambda: OllamaAuth(headers={"X-Api-Key": secret}),
    }[kind]()
    for holder in _holders(auth):
        _assert_hidden(secret, holder)


@given(UNMISTAKABLE, PLACES, st.sampled_from(AuthKind))
def test_a_secret_that_was_read_is_hidden_and_its_place_is_saved(
    secret: str, place: SecretSource, kind: AuthKind
) -> None:
    auth = {
        AuthKind.BEARER: lambda: OllamaAuth.bearer(source=place),
        AuthKind.BASIC: lambda: OllamaAuth.basic("ada", source=place),
        AuthKind.HEADERS: lambda: OllamaAuth.headers({"X-Api-Key": place, "X-Plain": secret}),
    }[kind]()
    assert auth.sources == (place,)
    assert auth.needs_resolving
    assert not auth.is_complete
    with pytest.raises(ValueError, match="Read them first"):
        auth.request_headers()
    known = auth.resolved({place: secret})
    assert known.is_complete
    assert not known.needs_resolving
    assert known != auth
    assert known == auth.resolved({place: secret})
    if kind is AuthKind.HEADERS:
        assert known.request_headers() == {"X-Api-Key": secret, "X-Plain": secret}
    else:
        given = OllamaAuth.bearer(secret) if kind is AuthKind.BEARER else OllamaAuth.basic("ada", secret)
        assert known.request_headers() == given.request_headers()
    for holder in _holders(known):
        _assert_hidden(secret, holder)
    assert repr(place.name) in repr(known)
    back = decode(encode(known), OllamaAuth)
    assert back.sources == (place,)
    assert back.needs_resolving
    assert (back.source, back.header_sources) == (auth.source, auth.header_sources)
    if kind is AuthKind.HEADERS:
        assert not back.resolved({place: secret}).is_complete  # the other header has no place
    else:
        assert back == auth
        assert hash(back) == hash(auth)


@given(UNMISTAKABLE)
def test_a_typed_secret_is_shown_and_saved_nowhere(secret: str) -> None:
    typed = HostSecret("gateway", secret)
    for holder in (
        typed,
        AddHostRequested("gpu-1", secret=typed),
        EditHostRequested("gpu-1", "gpu-2", secret=typed),
    ):
        _assert_hidden(secret, holder)
    assert typed.value == secret


@given(PLACES)
def test_tls_settings_name_the_place_of_the_key_password(place: SecretSource) -> None:
    tls = TlsSettings("ca.pem", "me.pem", "me.key", place, "gpu.example")
    assert decode(encode(tls), TlsSettings) == tls
    assert decode(encode(OllamaConfiguration(tls=tls)), OllamaConfiguration).tls == tls


def test_credentials_saved_before_there_were_places() -> None:
    old = b'{"kind": "Basic", "username": "ada", "header_names": []}'
    assert decode(old, OllamaAuth) == OllamaAuth.basic("ada", "x").without_secrets()


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
        lambda: OllamaAuth.bearer(),
        lambda: OllamaAuth.basic("ada"),
        lambda: OllamaAuth.bearer("t", source=KEPT),
        lambda: OllamaAuth.basic("ada", "p", source=KEPT),
        lambda: OllamaAuth(headers={"a": "b"}, source=KEPT),
        lambda: OllamaAuth(password="p", source=KEPT),
        lambda: OllamaAuth.bearer(source=KEPT).resolved({KEPT: "a\r\nHost: b"}),
        lambda: OllamaAuth.bearer(source=KEPT).resolved({KEPT: ""}),
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
        b'{"kind": "Bearer", "source": {"place": "attic", "name": "x"}}',
        b'{"kind": "Bearer", "source": {"place": "file", "name": " "}}',
        b'{"kind": "Bearer", "source": "x"}',
        b'{"kind": "Headers", "header_names": ["X"], "source": {"place": "file", "name": "x"}}',
        b'{"kind": "Headers", "header_names": ["X"], "header_sources": {"Y": {"place": "file", "name": "x"}}}',
        b'{"kind": "Bearer", "header_sources": {"Y": {"place": "file", "name": "x"}}}',
    ],
)
def test_damaged_saved_credentials_are_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(data, OllamaAuth)
