"""Events are the same however the network cuts the stream into pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_localai.ollama.errors import BadReply
from ecs_localai.providers.event_stream import EVENT_LIMIT, EventSplitter, ServerEvent
from tests.providers.providers_parts import assert_clear


def _split(chunks: list[bytes], limit: int = EVENT_LIMIT) -> list[ServerEvent]:
    splitter = EventSplitter(limit)
    events = [event for chunk in chunks for event in splitter.feed(chunk)]
    return events + splitter.finish()


@given(st.lists(st.binary(max_size=30)), st.sampled_from([b"\n", b"\r\n", b"\r"]), st.booleans())
def test_joining_and_splitting_gives_the_data_back(texts: list[bytes], end: bytes, closed: bool) -> None:
    texts = [text.replace(b"\n", b"").replace(b"\r", b"") for text in texts]
    whole = (end + end).join(b"data: " + text for text in texts)
    assert _split([whole + (end + end if closed else b"")]) == [ServerEvent("", text) for text in texts]


@given(st.binary(max_size=200), st.lists(st.integers(0, 400), max_size=20))
def test_the_cuts_do_not_matter(data: bytes, cuts: list[int]) -> None:
    for letter, meaning in ((b"a", b"\n"), (b"b", b"\r\n"), (b"c", b"\r"), (b"d", b"data:"), (b"e", b"event: x")):
        data = data.replace(letter, meaning)
    edges = [0, *sorted(cut for cut in cuts if cut <= len(data)), len(data)]
    chunks = [data[start:end] for start, end in pairwise(edges)]
    assert _split(chunks) == _split([data])
    assert _split([bytes([byte]) for byte in data]) == _split([data])


@pytest.mark.parametrize(
    ("body", "events"),
    [
        (b"data: a\n\ndata: b\n\n", [("", b"a"), ("", b"b")]),
        (b"data:a\ndata: b\n\n", [("", b"a\nb")]),
        (b"data:  a\n\n", [("", b" a")]),
        (b"data\n\n", [("", b"")]),
        (b": still here\n\ndata: a\n\n", [("", b"a")]),
        (b"event: error\ndata: a\n\ndata: b\n\n", [("error", b"a"), ("", b"b")]),
        (b"event: error\n\ndata: b\n\n", [("", b"b")]),
        (b"id: 7\nretry: 10\nother: x\ndata: a\n\n", [("", b"a")]),
        (b"\xef\xbb\xbfdata: a\n\n", [("", b"a")]),
        (b'error: {"code":500}\n\n', [("error", b'{"code":500}')]),
        (b"data: a\n\ndata: [DONE]", [("", b"a"), ("", b"[DONE]")]),
        (b"data: a\r\rdata: b\r\n\r\n", [("", b"a"), ("", b"b")]),
        (b"", []),
        (b"\n\n\n", []),
    ],
)
def test_the_standards_fields(body: bytes, events: list[tuple[str, bytes]]) -> None:
    assert _split([body]) == [ServerEvent(*event) for event in events]


def test_ten_megabytes_in_many_pieces() -> None:
    line = b"data: " + b"x" * 10_000_000 + b"\n\n"
    assert [len(event.data) for event in _split([line[at : at + 65536] for at in range(0, len(line), 65536)])] == [
        10_000_000
    ]


@pytest.mark.parametrize("body", [b"data: 123456789012345", b"data: 12345\ndata: 67890\ndata: 1\n\n"])
def test_an_event_over_the_limit_is_refused(body: bytes) -> None:
    with pytest.raises(BadReply) as caught:
        _split([body], limit=10)
    assert not caught.value.retryable
    assert_clear(caught.value)
