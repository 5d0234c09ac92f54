"""Replies are read tolerantly: missing fields, null lists, fields of the future, Go's times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_localai.ollama.wire import (
    GenerateReply,
    decode_generate,
    decode_ps,
    decode_pull_line,
    decode_show,
    decode_tags,
    decode_version,
    parse_timestamp,
)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23T04:54:05.446534242Z", datetime(2026, 11, 23, 4, 54, 5, 446534, UTC)),
        ("2026-11-23T04:54:05Z", datetime(2026, 11, 23, 4, 54, 5, 0, UTC)),
        ("2024-05-01T10:00:00.5+02:00", datetime(2024, 5, 1, 8, 0, 0, 500000, UTC)),
        ("2024-05-01T10:00:00-0730", datetime(2024, 5, 1, 17, 30, tzinfo=UTC)),
        ("2318-03-04T01:02:03.123456789-05:00", datetime(2318, 3, 4, 6, 2, 3, 123456, UTC)),
        ("2319-01-01t00:00:00z", datetime(2319, 1, 1, tzinfo=UTC)),
        ("2024-05-01 10:00:00", datetime(2024, 5, 1, 10, tzinfo=UTC)),
    ],
)
def test_reads_times_as_go_writes_them(text: str, moment: datetime) -> None:
    assert parse_timestamp(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "0001-01-01T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-05-01",
        "2024-05-01T25:00:00Z",
        "1e9",
        "9999-12-31T23:59:59-23:59",
        "2024-05-01T10:00:00+99:00",
        "٢٠٢٤-05-01T10:00:00Z",
    ],
)
def test_a_time_that_is_none_is_none(text: str) -> None:
    assert parse_timestamp(text) is None


@given(
    st.datetimes(min_value=datetime(2, 1, 3), max_value=datetime(9999, 12, 29)),
    st.integers(-14 * 60, 14 * 60),
    st.integers(0, 999),
)
def test_every_moment_reads_back(moment: datetime, minutes: int, nanoseconds: int) -> None:
    sign = "-" if minutes < 0 else "+"
    offset = f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    text = f"{moment.isoformat(timespec='microseconds')}{nanoseconds:03}{offset}"
    assert parse_timestamp(text) == (moment - timedelta(minutes=minutes)).replace(tzinfo=UTC)


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_none(text: str) -> None:
    parse_timestamp(text)


def test_null_lists_are_empty_and_unknown_fields_are_ignored() -> None:
    reply = decode_tags(
        b'{"models":[{"name":"x","details":{"families":null,"future":{"a":[1]}},"capabilities":null,"new":1}],"y":2}'
    )
    assert isinstance(reply.models, list)
    (entry,) = reply.models
    assert entry.name == "x"
    assert entry.details.families == ()
    assert entry.capabilities == ()
    assert entry.size == 0
    assert not entry.is_remote


def test_a_list_of_models_that_is_null_differs_from_one_that_is_missing() -> None:
    assert decode_ps(b'{"models":null}').models is None
    assert decode_ps(b"{}").models is msgspec.UNSET
    assert decode_version(b"{}").version is msgspec.UNSET


def test_a_cloud_stub_is_known_as_remote() -> None:
    reply = decode_tags(b'{"models":[{"name":"x:cloud","size":384,"remote_host":"https://ollama.com:443"}]}')
    assert isinstance(reply.models, list)
    assert reply.models[0].is_remote


def test_numbers_of_the_model_come_out_of_its_metadata() -> None:
    info = (
        b'{"general.architecture":"a","general.parameter_count":1.5e9,"a.context_length":8192,"a.embedding_length":null'
    )
    info += b"}"
    shown = decode_show(b'{"model_info":' + info + b',"messages":null,"capabilities":["tools"]}')
    assert (shown.architecture, shown.parameter_count, shown.context_length) == ("a", 1_500_000_000, 8192)
    assert shown.embedding_length is None
    assert shown.messages == ()
    assert shown.capabilities == ("tools",)
    empty = decode_show(b'{"model_info":null}')
    assert (empty.architecture, empty.parameter_count, empty.context_length) == ("", None, None)


def test_pull_lines_may_lack_anything() -> None:
    assert decode_pull_line(b"{}").total == 0
    assert decode_pull_line(b'{"status":400}').status == 400
    assert decode_pull_line(b'{"error":"x"}').error == "x"


def test_a_rate_is_known_only_where_the_server_measured() -> None:
    assert decode_generate(b'{"eval_count":10,"eval_duration":500000000}').tokens_per_second == 20
    assert GenerateReply(eval_count=10).tokens_per_second is None
    assert GenerateReply(eval_duration=10).tokens_per_second is None
