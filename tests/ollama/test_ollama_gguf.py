"""Reading what real GGUF files say of themselves, and telling a file that is cut off from a whole one."""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np
import pytest

from ecs_localai.ollama.errors import InvalidRequest
from ecs_localai.ollama.gguf import KEPT_ELEMENTS, GgufHead, NotGguf, parse_gguf, read_gguf
from ecs_localai.ollama.gguf_tensors import TENSOR_TYPES
from tests.ollama.ollama_parts import assert_one_clear_sentence
from tests.rig.model_files import smollm2, tiny_gpt2


@pytest.fixture(params=[tiny_gpt2, smollm2], ids=["gpt2", "llama"])
def real_file(request: pytest.FixtureRequest) -> Path:
    """A real model's file."""
    path: Path = request.param()
    return path


def test_a_real_file_says_what_llama_cpp_s_own_reader_finds_in_it(real_file: Path) -> None:
    head = read_gguf(real_file)
    reader = gguf.GGUFReader(real_file)
    fields = {key: field for key, field in reader.fields.items() if not key.startswith("GGUF.")}
    assert head.is_complete
    assert (head.version, head.tensor_count, head.kv_count) == (3, len(reader.tensors), len(fields))
    assert head.metadata.keys() | head.left_out.keys() == fields.keys()
    for key, field in fields.items():
        if key in head.left_out:
            assert head.left_out[key] == len(field.data) > KEPT_ELEMENTS
        else:
            assert head.metadata[key] == pytest.approx(field.contents())
    assert head.parameters == sum(int(tensor.n_elements) for tensor in reader.tensors)
    assert head.size == real_file.stat().st_size


def test_the_first_bytes_of_a_file_are_enough_for_what_comes_before_its_vocabulary() -> None:
    with smollm2().open("rb") as file:
        start = file.read(4096)
    head = parse_gguf(start)
    assert not head.is_complete
    assert head.architecture == "llama"
    assert head.metadata["llama.context_length"] == 2048 * 4
    assert head.left_out == {"tokenizer.ggml.tokens": 49152}
    assert head.size is None


def test_a_file_cut_at_any_byte_of_its_head_is_never_taken_for_a_whole_one(tmp_path: Path) -> None:
    data = tiny_gpt2().read_bytes()
    whole = parse_gguf(data)
    end = end_of_metadata(data)
    seen = 0
    for length in range(24, end):
        head = parse_gguf(data[:length])
        assert not head.is_complete
        if length % 97 == 0:
            assert all(whole.metadata[key] == value for key, value in head.metadata.items())
        assert len(head.metadata) >= seen
        seen = len(head.metadata)
    assert parse_gguf(data[:end]) == whole
    for length in range(24):
        with pytest.raises(NotGguf) as caught:
            parse_gguf(data[:length])
        assert_one_clear_sentence(caught.value)


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (3, "is cut off after its first bytes"),
        (20, "is cut off: it is a GGUF file of 20 bytes"),
        (5000, "it ends within its description"),
        (-860_000, "it ends within the list of its weights"),
        (-1, "it has 877,279 of 877,280 bytes"),
    ],
)
def test_a_file_that_is_cut_off_is_told_with_where(tmp_path: Path, length: int, said: str) -> None:
    data = tiny_gpt2().read_bytes()
    if length == -860_000:
        length = end_of_metadata(data) + 40
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(data[:length])
    with pytest.raises(NotGguf) as caught:
        read_gguf(cut)
    assert said in caught.value.message
    assert caught.value.message.endswith("download it again.")
    assert_one_clear_sentence(caught.value)


def test_what_follows_the_last_weight_does_not_matter(tmp_path: Path) -> None:
    longer = tmp_path / "longer.gguf"
    shutil.copy(tiny_gpt2(), longer)
    with longer.open("ab") as file:
        file.write(b"\0" * 1000)
    assert read_gguf(longer) == read_gguf(tiny_gpt2())


def test_every_type_of_value_is_read(tmp_path: Path) -> None:
    path = tmp_path / "types.gguf"
    values = dict(all_types(path))
    head = read_gguf(path)
    assert {key: head.metadata[key] for key in values} == values
    assert (head.name, head.architecture, head.split_count, head.split_number) == ("A name", "test", 1, 0)
    assert isinstance(head.metadata["bool"], bool)
    assert head.left_out == {"long": 1025, "text": 300_000, "nested": 2}


def all_types(path: Path) -> Iterator[tuple[str, object]]:
    """Write a file with every type of value; what was kept of it."""
    writer = gguf.GGUFWriter(path, "test")
    writer.add_name("A name")
    for kind, value in [
        ("uint8", 255), ("int8", -128), ("uint16", 65535), ("int16", -32768), ("uint32", 2**32 - 1), ("int32", -7),
        ("uint64", 2**64 - 1), ("int64", -(2**63)), ("float32", 0.5), ("float64", 1e300), ("bool", True),
        ("string", "Straße \U0001f999"),
    ]:  # fmt: skip
        getattr(writer, f"add_{kind}")(kind, value)
        yield kind, value
    arrays: list[tuple[str, list[int] | list[str] | list[bool]]] = [
        ("numbers", [1, 2, 3]), ("texts", ["a", "", "ü"]), ("switches", [True, False]),
    ]  # fmt: skip
    for key, values in arrays:
        writer.add_array(key, values)
        yield key, values
    writer.add_array("long", list(range(1025)))
    writer.add_string("text", "x" * 300_000)
    writer.add_array("nested", [[1, 2], [3]])
    writer.add_tensor("one", np.zeros(4, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_the_sizes_of_weights_are_llama_cpp_s() -> None:
    theirs = {int(kind): sizes for kind, sizes in gguf.GGML_QUANT_SIZES.items()}
    theirs[9] = (32, 36)  # Q8_1: gguf-py's own table is wrong about a type that no file has (ggml-common.h: 36 bytes)
    ours = {kind: sizes for kind, sizes in TENSOR_TYPES.items() if kind in theirs}
    assert ours == {kind: theirs[kind] for kind in ours}
    assert set(range(31)) - {4, 5, 9} <= ours.keys()


def test_other_versions_and_byte_orders_are_called_what_they_are() -> None:
    rest = struct.pack("<QQ", 0, 0)
    said = {
        b"GGUF" + struct.pack("<I", 1) + rest: "version 1",
        b"GGUF" + struct.pack("<I", 0) + rest: "version 0",
        b"GGUF" + struct.pack("<I", 4) + rest: "version 4",
        b"GGUF" + struct.pack(">I", 3) + rest: "big-endian",
    }
    for data, words in said.items():
        with pytest.raises(NotGguf, match=words) as caught:
            parse_gguf(data)
        assert_one_clear_sentence(caught.value)
    assert parse_gguf(b"GGUF" + struct.pack("<I", 2) + rest) == GgufHead(2, 0, 0, {}, {}, True)


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest) as missing:
        read_gguf(tmp_path / "nowhere.gguf")
    assert_one_clear_sentence(missing.value)
    os.mkfifo(tmp_path / "pipe.gguf")
    for odd in (tmp_path, tmp_path / "pipe.gguf"):
        with pytest.raises(NotGguf) as caught:
            read_gguf(odd)
        assert_one_clear_sentence(caught.value)


def end_of_metadata(data: bytes) -> int:
    """Where a file's metadata ends, found by halving."""
    low, high = 24, len(data)
    while low < high:
        middle = (low + high) // 2
        if parse_gguf(data[:middle]).is_complete:
            high = middle
        else:
            low = middle + 1
    return low
