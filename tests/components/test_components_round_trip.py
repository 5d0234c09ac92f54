"""Every data type becomes JSON and comes back equal."""

from __future__ import annotations

import json
from collections import deque
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecs_localai.components.browser import TabContext
from ecs_localai.components.codec import CodecError, DecodeError, EncodeError, decode, encode, to_builtins
from ecs_localai.components.events import ModelInstallationFailed
from ecs_localai.components.hosts import HostHealthMonitor, OllamaConfiguration
from ecs_localai.components.installation import (
    HISTORY_LIMIT,
    InstallationErrorKind,
    InstallationProgress,
    InstallationRecord,
    InstallationStatus,
    ModelInstallationManager,
    ModelInstallationTask,
)
from ecs_localai.components.models import LocalModelManager, ModelPerformanceMetrics
from ecs_localai.runtime.tasks import IoTaskPool
from tests.components.component_strategies import BY_HAND, data_types, everything_public, instances


@pytest.mark.parametrize("type_", data_types(), ids=lambda type_: str(type_.__name__))
def test_a_value_comes_back_equal_and_of_its_type(type_: type) -> None:
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(instances(type_))
    def comes_back(value: object) -> None:
        data = encode(value)
        back: object = decode(data, type_)
        assert type(back) is type_
        assert back == value
        assert encode(back) == data
        assert json.loads(data) == to_builtins(value)

    comes_back()


def test_the_round_trip_covers_events_intents_components_and_resources() -> None:
    names = {type_.__name__ for type_ in data_types()}
    assert {"ModelDeleted", "InstallRequested", "ModelInstallation", "LocalModelManager"} <= names
    assert {type_.__name__ for type_ in BY_HAND} <= names
    rest = {name for name, type_ in everything_public().items() if type_ not in data_types()}
    assert all(hasattr(everything_public()[name], "__members__") for name in rest), rest


def test_queues_come_back_as_queues_and_the_history_keeps_its_limit() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    record = InstallationRecord("1", "m:latest", InstallationStatus.COMPLETED, now, now, timedelta(seconds=3))
    manager = ModelInstallationManager(installation_history=deque([record] * 3))
    back = decode(encode(manager), ModelInstallationManager)
    assert isinstance(back.installation_history, deque)
    assert back.installation_history.maxlen == HISTORY_LIMIT
    assert isinstance(decode(encode(LocalModelManager()), LocalModelManager).installation_queue, deque)


def test_a_history_longer_than_the_limit_keeps_the_newest() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    records = [
        InstallationRecord(str(n), "m", InstallationStatus.CANCELLED, now, now, timedelta(0))
        for n in range(HISTORY_LIMIT + 5)
    ]
    data = encode({"installation_history": records})
    assert [r.installation_id for r in decode(data, ModelInstallationManager).installation_history][:1] == ["5"]


def test_a_task_is_left_out_and_read_back_as_none() -> None:
    pool = IoTaskPool()

    async def nothing() -> None:
        return None

    try:
        task = pool.spawn(nothing())
        component: ModelInstallationTask = ModelInstallationTask(
            "m:latest", progress_tracker=InstallationProgress(1, 2)
        )
        component.task = task  # type: ignore[assignment]  # any real task will do: none is written down
        assert json.loads(encode(component)) == {
            "model_name": "m:latest",
            "progress_tracker": {
                "bytes_downloaded": 1,
                "total_bytes": 2,
                "download_speed": 0.0,
                "eta": None,
                "rolled_back_bytes": 0,
                "still_for": None,
                "retry": None,
            },
        }
        back = decode(encode(component), ModelInstallationTask)
        assert back.task is None
        assert back != component
        component.task = None
        assert back == component
    finally:
        pool.shutdown()


def test_builtins_of_an_event_are_a_json_line() -> None:
    event = ModelInstallationFailed("1", "ü:latest", "The disk is full.", InstallationErrorKind.DISK_FULL, False)
    assert to_builtins(event) == {
        "installation_id": "1",
        "model_name": "ü:latest",
        "error_message": "The disk is full.",
        "kind": "DiskFull",
        "retryable": False,
    }
    assert b"\n" not in encode(event)


def test_a_moment_in_another_timezone_comes_back_as_the_same_moment() -> None:
    moment = datetime(2026, 6, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    back = decode(encode(HostHealthMonitor(last_health_check=moment)), HostHealthMonitor)
    assert back.last_health_check == moment


def test_a_moment_without_timezone_is_refused_when_read() -> None:
    with pytest.raises(DecodeError, match="timezone"):
        decode(b'{"last_health_check": "2026-01-01T00:00:00"}', HostHealthMonitor)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_lacks_is_refused_when_written(number: float) -> None:
    with pytest.raises(EncodeError, match="None"):
        encode(ModelPerformanceMetrics(tokens_per_second=number))


def test_text_that_is_no_unicode_is_refused_when_written() -> None:
    context = LocalModelManager(installed_models={})
    context.model_registry.base_url = "\ud800"
    with pytest.raises(EncodeError):
        encode(context)


@pytest.mark.parametrize("value", [object(), {1, object()}, {"a": [object()]}, lambda: None])
def test_something_that_is_none_of_our_types_is_refused_when_written(value: object) -> None:
    with pytest.raises(EncodeError, match="cannot be written as JSON"):
        encode(value)


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"null", b'"x"', b'{"port": "x"}', b'{"port": 0}', b'{"host": null}', b"\xff", b"{}]"],
)
def test_damaged_data_is_refused_with_a_sentence(data: bytes) -> None:
    with pytest.raises(DecodeError, match=r"does not describe OllamaConfiguration: .+\.$"):
        decode(data, OllamaConfiguration)


@pytest.mark.parametrize("type_", data_types(), ids=lambda type_: str(type_.__name__))
def test_other_json_is_refused_by_every_type_with_our_own_exception(type_: type) -> None:
    for data in (b"7", b'"text"', b"[1]", b'[{"a": 1}]', b"not json"):
        with pytest.raises(DecodeError):
            decode(data, type_)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80))
def test_no_bytes_raise_anything_but_our_own_exception(data: bytes) -> None:
    for type_ in (*BY_HAND, TabContext, LocalModelManager):
        try:
            decode(data, type_)
        except CodecError as error:
            message = str(error)
        else:
            continue
        assert message.endswith(".")


def test_unknown_fields_are_passed_over_so_newer_data_can_be_read() -> None:
    assert decode(b'{"bytes_downloaded": 5, "colour": "red"}', InstallationProgress) == InstallationProgress(5)


def test_codec_errors_are_value_errors() -> None:
    assert issubclass(DecodeError, CodecError)
    assert issubclass(EncodeError, CodecError)
    assert issubclass(CodecError, ValueError)
