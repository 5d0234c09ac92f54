"""Lines are the same however the network cuts the stream into pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_localai.ollama.errors import BadReply
from ecs_localai.ollama.ndjson import LINE_LIMIT, LineSplitter
from tests.ollama.ollama_parts import assert_one_clear_sentence


def _split(chunks: list[bytes]) -> list[bytes]:
    splitter = LineSplitter()
    lines = [line for chunk in chunks for line in splitter.feed(chunk)]
    rest = splitter.finish()
    return [*lines, rest] if rest else lines


@given(st.lists(st.binary(max_size=30)), st.sampled_from([b"\n", b"\r\n"]), st.booleans())
def test_joining_and_splitting_gives_the_lines_back(texts: list[bytes], end: bytes, closed: bool) -> None:
    lines = [text.replace(b"\n", b"").replace(b"\r", b"") for text in texts]
    whole = end.join(lines) + (end if closed else b"")
    assert _split([whole]) == [line for line in lines if line]


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=20))
def test_the_cuts_do_not_matter(data: bytes, cuts: list[int]) -> None:
    data = data.replace(b"a", b"\n").replace(b"b", b"\r\n")
    edges = [0, *sorted(cut for cut in cuts if cut <= len(data)), len(data)]
    chunks = [data[start:end] for start, end in pairwise(edges)]
    assert _split(chunks) == _split([data])


def test_a_line_in_many_pieces_is_joined() -> None:
    splitter = LineSplitter()
    for byte in b'{"a":1}':
        assert splitter.feed(bytes([byte])) == []
    assert splitter.feed(b'\n{"b"') == [b'{"a":1}']
    assert splitter.finish() == b'{"b"'
    assert splitter.finish() == b""


def test_ten_megabyte_lines_pass() -> None:
    line = b"x" * 10_000_000
    chunks = [(line + b"\n" + line)[at : at + 65536] for at in range(0, 2 * len(line) + 1, 65536)]
    assert _split(chunks) == [line, line]


def test_a_line_over_the_limit_is_refused_before_it_ends() -> None:
    splitter = LineSplitter()
    for _ in range(LINE_LIMIT // 65536):
        assert splitter.feed(b"x" * 65536) == []
    with pytest.raises(BadReply) as caught:
        splitter.feed(b"x")
    assert "32 MiB" in caught.value.message
    assert not caught.value.retryable
    assert_one_clear_sentence(caught.value)


@pytest.mark.parametrize("chunks", [[b"x" * 11 + b"\n"], [b"x" * 9, b"xx\n"], [b"ok\n" + b"x" * 11 + b"\nok\n"]])
def test_a_finished_line_over_the_limit_is_refused(chunks: list[bytes]) -> None:
    splitter = LineSplitter(limit=10)
    with pytest.raises(BadReply):
        _ = [splitter.feed(chunk) for chunk in chunks]


def test_a_line_of_just_the_limit_passes() -> None:
    assert LineSplitter(limit=10).feed(b"x" * 10 + b"\n") == [b"x" * 10]
