"""A GGUF file may claim anything: reading it costs little memory and time, and ends in an answer or a sentence."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecs_localai.ollama.gguf import GgufHead, NotGguf, parse_gguf, read_gguf
from tests.ollama.ollama_parts import assert_one_clear_sentence
from tests.rig.model_files import tiny_gpt2

HUGE = [2**16, 2**31, 2**40 - 1, 2**40, 2**63, 2**64 - 1]


def header(tensors: int = 0, entries: int = 0, version: int = 3) -> bytes:
    """The first 24 bytes of a file."""
    return struct.pack("<4sIQQ", b"GGUF", version, tensors, entries)


def text(value: bytes) -> bytes:
    """A text as it lies in a file."""
    return struct.pack("<Q", len(value)) + value


def array(key: bytes, kind: int, count: int, content: bytes = b"") -> bytes:
    """An entry that is an array."""
    return text(key) + struct.pack("<IIQ", 9, kind, count) + content


def answer(data: bytes) -> GgufHead | NotGguf:
    """What reading comes to, and no more than 40 MB of memory on the way."""
    tracemalloc.start()
    try:
        outcome: GgufHead | NotGguf
        try:
            outcome = parse_gguf(data)
        except NotGguf as error:
            assert_one_clear_sentence(error)
            outcome = error
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()
    return outcome


@pytest.mark.parametrize("huge", HUGE)
def test_huge_claims_are_cut_off_or_damaged_but_never_believed(huge: int) -> None:
    for data in (
        header(entries=huge),
        header(entries=1) + struct.pack("<Q", huge),
        header(entries=1) + text(b"k") + struct.pack("<IQ", 8, huge),
        *(header(entries=1) + array(b"k", kind, huge) for kind in range(15)),
    ):
        outcome = answer(data)
        assert isinstance(outcome, NotGguf) or not outcome.is_complete


def test_arrays_in_arrays_end(tmp_path: Path) -> None:
    nested = header(entries=1) + array(b"k", 9, 1, struct.pack("<IQ", 9, 1) * 100_000)
    assert isinstance(answer(nested), NotGguf)
    wide = header(entries=1) + array(b"k", 9, 3_000_000, struct.pack("<IQ", 0, 0) * 1000)
    outcome = answer(wide)
    assert isinstance(outcome, GgufHead)
    assert not outcome.is_complete


def test_a_file_full_of_entries_is_not_kept_in_memory() -> None:
    long_text = text(b"k" * 60_000) + struct.pack("<I", 8) + text(b"v" * 200_000)
    outcome = answer(header(entries=1000) + long_text * 100)
    assert isinstance(outcome, GgufHead | NotGguf)
    numbers = b"".join(array(b"k%d" % index, 0, 1024, bytes(1024)) for index in range(1000))
    assert isinstance(answer(header(entries=1000) + numbers), NotGguf)


def test_a_long_file_of_nothing_but_short_texts_ends(tmp_path: Path) -> None:
    path = tmp_path / "zeros.gguf"
    with path.open("wb") as file:
        file.write(header(entries=1) + array(b"k", 8, 1 << 30))
        file.truncate(1 << 34)  # sparse: nothing of it lies on the disk
    with pytest.raises(NotGguf, match=r"1,073,741,824 elements"):
        read_gguf(path)
    with path.open("wb") as file:
        file.write(header(tensors=1 << 40))
        file.truncate(1 << 34)
    with pytest.raises(NotGguf, match=r"1,099,511,627,776 tensors"):
        read_gguf(path)


@pytest.mark.parametrize(
    "entry",
    [
        struct.pack("<Q", 2000),
        text(b"t") + struct.pack("<I", 9),
        text(b"t") + struct.pack("<IQQIQ", 2, 2**63, 2**63, 0, 2**63),
    ],
)
def test_a_hostile_list_of_weights_is_told(tmp_path: Path, entry: bytes) -> None:
    path = tmp_path / "tensors.gguf"
    path.write_bytes(header(tensors=1) + entry + bytes(4000))
    with pytest.raises(NotGguf) as caught:
        read_gguf(path)
    assert_one_clear_sentence(caught.value)


@pytest.mark.parametrize("alignment", [0, -32, 2**31 - 1])
def test_a_senseless_alignment_is_told(tmp_path: Path, alignment: int) -> None:
    path = tmp_path / "aligned.gguf"
    path.write_bytes(header(entries=1) + text(b"general.alignment") + struct.pack("<Ii", 5, alignment))
    with pytest.raises(NotGguf, match="aligned"):
        read_gguf(path)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=400))
def test_anything_after_the_magic_is_read_or_told(data: bytes) -> None:
    for start in (data, b"GGUF" + data, header(2, 3) + data, header(0, 1) + text(b"k") + data):
        answer(start)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, 11_999), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_real_head_with_wrong_bytes_is_read_or_told(changes: list[tuple[int, int]]) -> None:
    with tiny_gpt2().open("rb") as file:
        data = bytearray(file.read(12_000))
    for position, value in changes:
        data[position] = value
    answer(bytes(data))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(10_000, 11_999), st.integers(0, 255)), max_size=6), st.integers(0, 12_000))
def test_a_whole_file_with_wrong_bytes_in_its_list_of_weights_is_read_or_told(
    tmp_path: Path, changes: list[tuple[int, int]], length: int
) -> None:
    data = bytearray(tiny_gpt2().read_bytes())
    for position, value in changes:
        data[position] = value
    path = tmp_path / "damaged.gguf"
    path.write_bytes(data[:length] if length % 2 else data)
    outcome: GgufHead | NotGguf
    try:
        outcome = read_gguf(path)
    except NotGguf as error:
        assert_one_clear_sentence(error)
        outcome = error
    assert isinstance(outcome, NotGguf) or outcome.is_complete
