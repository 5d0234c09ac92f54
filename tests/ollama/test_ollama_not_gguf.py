"""A file that is no GGUF file is called what it is: what people really drop, made as it is really made."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from ecs_localai.ollama.gguf import NotGguf, parse_gguf, read_gguf
from tests.ollama.ollama_parts import assert_one_clear_sentence


def zipped() -> bytes:
    """A zip archive, which PyTorch's files have been since its version 1.6, too."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("archive/data.pkl", b"x" * 100)
    return made.getvalue()


def tarred() -> bytes:
    """A tar archive."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("model.gguf"))
    return made.getvalue()


def safetensors() -> bytes:
    """A safetensors file with one number."""
    about = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    return struct.pack("<Q", len(about)) + about + bytes(4)


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"

KINDS = {
    b"": "is empty",
    b"GG": "cut off",
    LFS: "a Git LFS pointer",
    b"\n<!DOCTYPE html><html><head>": "a web page",
    b'<?xml version="1.0"?><Error><Code>AccessDenied': "a web page",
    safetensors(): "a safetensors file",
    zipped(): "a zip archive, or a PyTorch file",
    pickle.dumps({"a": 1}, protocol=2): "a PyTorch file",
    pickle.dumps({"a": 1}, protocol=5): "a PyTorch file",
    struct.pack("<I", 0x67676A74) + bytes(100): "a GGML file",
    b"FUGG" + bytes(100): "a big-endian GGUF file",
    gzip.compress(b"GGUF"): "an archive (gzip)",
    bz2.compress(b"GGUF"): "an archive (bzip2)",
    lzma.compress(b"GGUF"): "an archive (xz)",
    tarred(): "an archive (tar)",
    bytes(1000): "nothing but zeros",
    b'{"error": "Repository not found"}': "JSON text",
    b"# mine\nFROM ./model.gguf\nPARAMETER stop x\n": "a Modelfile",
    b"Hello there": "text",
    b"\x7fELF\x02\x01\x01\x00": "something else",
}


@pytest.mark.parametrize(("data", "said"), KINDS.items(), ids=KINDS.values())
def test_a_file_is_called_what_it_is(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(data)
    with pytest.raises(NotGguf) as caught:
        read_gguf(path)
    assert caught.value.message.startswith("model.gguf is ")
    assert said in caught.value.message
    assert_one_clear_sentence(caught.value)
    with pytest.raises(NotGguf):
        parse_gguf(data)
