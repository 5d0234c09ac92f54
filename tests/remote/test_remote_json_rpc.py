"""JSON-RPC 2.0 as its specification has it, over real HTTP."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecs_localai.remote.errors import INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR
from ecs_localai.remote.messages import MOST_IN_A_BATCH
from ecs_localai.remote.methods import METHODS, MUTATING
from tests.remote.remote_parts import Position, Remote, request

LIST = "world.list_components"


@pytest.mark.parametrize("request_id", [1, -1.5, "a text", None, [1, 2], {"any": "JSON"}])
def test_the_answer_has_the_request_s_id(remote: Remote, request_id: object) -> None:
    reply = remote.post(request(LIST, request_id))
    assert (reply.status, reply.content_type) == (200, "application/json")
    assert reply.data == {"jsonrpc": "2.0", "id": request_id, "result": []}


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"nonsense", b'{"jsonrpc": "2.0", }', b"\xff\xfe", b"[1,", b"NaN", b"[" * 100_000, b'{"a":' * 50_000],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_not_json_is_a_parse_error(remote: Remote, body: bytes) -> None:
    reply = remote.post(body)
    assert (reply.status, reply.error_code, reply.data["id"]) == (200, PARSE_ERROR, None)


@pytest.mark.parametrize(
    ("data", "request_id"),
    [
        (7, None),
        ("text", None),
        (None, None),
        ({}, None),
        ({"id": 5}, 5),
        ({"jsonrpc": "2.0", "id": 5}, 5),
        ({"jsonrpc": "1.0", "id": 5, "method": LIST}, 5),
        ({"id": 5, "method": LIST}, 5),
        ({"jsonrpc": "2.0", "id": 5, "method": 7}, 5),
        ({"jsonrpc": "2.0", "id": 5, "method": LIST, "params": [1]}, 5),
        ({"jsonrpc": "2.0", "id": 5, "method": LIST, "params": "text"}, 5),
        ([], None),
        ([{"jsonrpc": "2.0", "id": 1, "method": LIST}] * (MOST_IN_A_BATCH + 1), None),
    ],
    ids=lambda value: str(value)[:50],
)
def test_json_that_is_no_request_is_an_invalid_request(remote: Remote, data: object, request_id: object) -> None:
    reply = remote.post(json.dumps(data).encode())
    assert (reply.status, reply.error_code, reply.data["id"]) == (200, INVALID_REQUEST, request_id)


def test_missing_and_null_parameters_are_no_parameters(remote: Remote) -> None:
    remote.app.world.spawn(Position())
    expected = remote.post(request(LIST)).data["result"]
    for rest in ("", ', "params": null'):
        body = f'{{"jsonrpc": "2.0", "id": 1, "method": "{LIST}"{rest}}}'.encode()
        assert remote.post(body).data["result"] == expected != []


def test_wrong_parameters_are_invalid_parameters(remote: Remote) -> None:
    assert remote.post(request(LIST, entity="one")).error_code == INVALID_PARAMS
    assert remote.post(request("world.get_components")).error_code == INVALID_PARAMS
    assert remote.post(request("world.list_resources", nonsense=1)).error_code == INVALID_PARAMS


@pytest.mark.parametrize("method", ["nonsense", "", "world.query ", "World.query", "rpc.nonsense"])
def test_an_unknown_method_is_not_found(remote: Remote, method: str) -> None:
    assert remote.post(request(method)).error_code == METHOD_NOT_FOUND


def test_methods_that_change_the_world_are_refused_with_the_reason(remote: Remote) -> None:
    assert len(MUTATING) == 11
    for method in MUTATING:
        reply = remote.post(request(method, components={"tests.remote.remote_parts.Position": {}}))
        assert reply.error_code == METHOD_NOT_FOUND
        assert "this endpoint only reads" in str(reply.data["error"])
    assert remote.ask(lambda client: client.query()) == []


@pytest.mark.parametrize(
    ("method", "instead"),
    [
        ("bevy/query", "world.query"),
        ("bevy/get+watch", "world.get_components+watch"),
        ("schedule.graph", "app.describe"),
        ("world.observe+watch", "app.events+watch"),
    ],
)
def test_other_methods_of_bevy_s_are_refused_with_what_to_ask_instead(
    remote: Remote, method: str, instead: str
) -> None:
    reply = remote.post(request(method))
    assert reply.error_code == METHOD_NOT_FOUND
    assert instead in str(reply.data["error"])


def test_a_batch_is_answered_by_a_list_whatever_is_in_it(remote: Remote) -> None:
    batch = [
        {"jsonrpc": "2.0", "id": 1, "method": LIST},
        7,
        {"jsonrpc": "2.0", "method": LIST},
        {"jsonrpc": "2.0", "id": "two", "method": "world.despawn_entity", "params": {"entity": 1}},
        {"jsonrpc": "2.0", "id": 3, "method": "world.query"},
        {"jsonrpc": "2.0", "id": 4, "method": "app.events+watch"},
    ]
    reply = remote.post(json.dumps(batch).encode())
    answers = {answer["id"]: answer for answer in json.loads(reply.body)}
    assert len(answers) == 5
    assert answers[1]["result"] == answers[3]["result"] == []
    assert [answers[name]["error"]["code"] for name in (None, "two", 4)] == [
        INVALID_REQUEST,
        METHOD_NOT_FOUND,
        INVALID_REQUEST,
    ]


def test_notifications_are_not_answered(remote: Remote) -> None:
    notification = {"jsonrpc": "2.0", "method": LIST}
    for data in (notification, [notification, notification], {"jsonrpc": "2.0", "method": "nonsense"}):
        reply = remote.post(json.dumps(data).encode())
        assert (reply.status, reply.body) == (204, b"")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    method=st.sampled_from(sorted(name for name in METHODS if "+watch" not in name)) | st.text(max_size=12),
    params=st.dictionaries(
        st.sampled_from(["entity", "components", "data", "filter", "strict", "resource", "type_limit"]), JSON
    )
    | JSON,
)
def test_whatever_is_asked_the_answer_is_a_result_or_an_error(remote: Remote, method: str, params: object) -> None:
    remote.app.world.spawn(Position())
    reply = remote.post(json.dumps({"jsonrpc": "2.0", "id": 9, "method": method, "params": params}).encode())
    assert reply.status == 200
    assert (reply.data["jsonrpc"], reply.data["id"]) == ("2.0", 9)
    assert ("result" in reply.data) != ("error" in reply.data)
    if "error" in reply.data:
        assert reply.error_code in {INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, -23401, -23402, -23501, -23502}


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.binary(max_size=200) | JSON.map(lambda data: json.dumps(data).encode()))
def test_whatever_is_sent_the_answer_is_json_rpc(remote: Remote, body: bytes) -> None:
    reply = remote.post(body)
    assert reply.status == 200
    answers = json.loads(reply.body)
    for answer in answers if isinstance(answers, list) else [answers]:
        assert answer["jsonrpc"] == "2.0"
        assert answer["error"]["code"] in (PARSE_ERROR, INVALID_REQUEST)
