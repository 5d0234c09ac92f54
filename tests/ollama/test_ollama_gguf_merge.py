"""The parts of a split model, put together while they are read."""

from __future__ import annotations

import asyncio
import hashlib
import os
from contextlib import suppress
from pathlib import Path

import gguf
import numpy as np
import pytest

from ecs_localai.ollama.errors import InvalidRequest
from ecs_localai.ollama.file_digest import digest_of_spans, digest_with_progress
from ecs_localai.ollama.gguf import NotGguf, read_gguf
from ecs_localai.ollama.gguf_merge import merged_spans
from ecs_localai.ollama.gguf_shards import Shard, shard_of, whole_sets
from ecs_localai.ollama.model_files import look_at_files, with_merged_parts
from ecs_localai.ollama.spans import Span, SpanPieces
from tests.ollama.ollama_parts import assert_one_clear_sentence
from tests.rig.model_files import smollm2, tiny_gpt2, write_gguf
from tests.systems.creating_parts import shards_of


def content_of(spans: list[Span]) -> bytes:
    """The whole content."""

    async def read() -> bytes:
        pieces = SpanPieces(spans)
        try:
            return b"".join([piece async for piece in pieces])
        finally:
            pieces.close()

    return asyncio.run(read())


def digest(path: Path) -> str:
    """A file's digest, counted past the product."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


@pytest.mark.parametrize("count", [1, 2, 7, 29])
def test_parts_become_what_they_were_byte_by_byte(tmp_path: Path, count: int) -> None:
    parts = shards_of(tiny_gpt2(), tmp_path, count)
    spans = merged_spans(parts)
    content = content_of(spans)
    assert content == tiny_gpt2().read_bytes()
    assert sum(span.size for span in spans) == len(content)


def test_a_big_model_is_counted_without_a_copy_of_it(tmp_path: Path) -> None:
    big = write_gguf(tmp_path / "big.gguf", 20_000_000)
    parts = shards_of(big, tmp_path, 3)
    counted: list[int] = []
    merged = with_merged_parts(look_at_files([str(parts[0])]))
    (one,) = merged.files
    assert one.name == "model.gguf"
    assert [path for path, _ in one.sources] == parts
    told = asyncio.run(digest_of_spans(one.spans, counted.append))
    assert sum(counted) == one.state.size
    whole = tmp_path / "whole.gguf"
    whole.write_bytes(content_of(one.spans))
    assert told == digest(whole)
    assert told == digest(big)
    assert read_gguf(whole) == read_gguf(big)


def test_another_alignment_is_kept(tmp_path: Path) -> None:
    parts = []
    for number in range(2):
        path = tmp_path / f"a-{number + 1:05}-of-00002.gguf"
        writer = gguf.GGUFWriter(path, "test")
        if number == 0:
            writer.add_custom_alignment(256)
        writer.add_uint16("split.no", number)
        writer.add_uint16("split.count", 2)
        for letter in "xy":
            writer.add_tensor(f"{letter}{number}", np.full(5, number + 1, dtype=np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        parts.append(path)
    whole = tmp_path / "whole.gguf"
    whole.write_bytes(content_of(merged_spans(parts)))
    tensors = gguf.GGUFReader(whole).tensors
    assert [(tensor.name, float(tensor.data[4])) for tensor in tensors] == [
        ("x0", 1.0), ("y0", 1.0), ("x1", 2.0), ("y1", 2.0),
    ]  # fmt: skip
    assert [int(tensor.data_offset) % 256 for tensor in tensors] == [0, 0, 0, 0]


def test_a_part_too_few_is_told(tmp_path: Path) -> None:
    parts = shards_of(tiny_gpt2(), tmp_path, 3)
    with pytest.raises(NotGguf, match="do not belong together") as caught:
        merged_spans(parts[:2])
    assert_one_clear_sentence(caught.value)


def test_a_part_that_becomes_shorter_meanwhile_is_told(tmp_path: Path) -> None:
    parts = shards_of(tiny_gpt2(), tmp_path, 2)
    spans = merged_spans(parts)
    parts[1].write_bytes(parts[1].read_bytes()[:-100])
    with pytest.raises(InvalidRequest, match="became shorter") as caught:
        content_of(spans)
    assert_one_clear_sentence(caught.value)


def test_parts_are_told_by_their_names(tmp_path: Path) -> None:
    assert shard_of(Path("/m/a-b-00002-of-00003.gguf")) == Shard("a-b", 2, 3)
    for name in ("a.gguf", "a-00004-of-00003.gguf", "a-00000-of-00003.gguf", "a-1-of-3.gguf", "a-00001-of-99999.gguf"):
        assert shard_of(Path(name)) is None
    parts = shards_of(tiny_gpt2(), tmp_path, 3)
    other = tmp_path / "mmproj.gguf"
    assert whole_sets([parts[1], other, parts[0]]) == [*parts, other]


def test_a_digest_is_counted_with_progress() -> None:
    counted: list[int] = []
    assert asyncio.run(digest_with_progress(smollm2(), counted.append)) == digest(smollm2())
    assert sum(counted) == smollm2().stat().st_size
    assert len(counted) > 20
    with pytest.raises(InvalidRequest) as caught:
        asyncio.run(digest_with_progress(Path("/nowhere"), counted.append))
    assert_one_clear_sentence(caught.value)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are looked up as Linux shows them")
async def test_what_is_closed_is_not_opened_again(tmp_path: Path) -> None:
    """A request that has failed closes its body, which may be asked for a piece all the same."""
    path = tmp_path / "model.gguf"
    path.write_bytes(bytes(5_000_000))
    for _ in range(20):
        pieces = SpanPieces([Span(path, 0, 5_000_000)])
        assert await anext(pieces)
        reading = asyncio.ensure_future(anext(pieces))
        await asyncio.sleep(0)
        pieces.close()
        with suppress(StopAsyncIteration):
            await reading
        with pytest.raises(StopAsyncIteration):
            await anext(pieces)
        assert not is_open(path)


def is_open(path: Path) -> bool:
    """Whether this process has a file open."""
    return os.path.realpath(path) in {os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()}
