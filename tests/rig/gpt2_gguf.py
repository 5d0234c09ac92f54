"""Writes real GGUF models of GPT-2's architecture with random weights.

The tiny one is for loading and generating: 2 layers, 64 wide, with a byte-level BPE vocabulary trained on the text
below. Larger ones are real, too, and distinct for every seed: something to download whose size the test chooses.
Tensor and key names are llama.cpp's (gguf-py, ``gguf/constants.py``, MODEL_ARCH.GPT2).
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

_TEXT = """
the world holds every entity and every entity holds the components that describe it while the systems run in order
over the world and change what they find there so that each frame shows the state of the models on the machine and
the person who looks at the panel sees the installation move from the queue to the download and from there to the end
"""
_MERGES = 160
_END = "<|endoftext|>"
_MAX_CONTEXT = 1024

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Shape:
    """The size of a GPT-2 model: layers, width of the hidden state, and rows of the position table."""

    layers: int = 2
    width: int = 64
    positions: int = _MAX_CONTEXT


def write_gpt2(path: Path, shape: Shape | None = None, *, seed: int = 0, name: str = "tiny-gpt2") -> Path:
    """Writes a GPT-2 model with random weights from ``seed`` to ``path``, atomically, and returns ``path``."""
    shape = shape or Shape()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    writer = gguf.GGUFWriter(part, "gpt2")
    writer.add_name(name)
    writer.add_description(f"Random weights from seed {seed}, for tests")
    writer.add_license("MIT")
    writer.add_context_length(shape.positions)
    writer.add_embedding_length(shape.width)
    writer.add_feed_forward_length(4 * shape.width)
    writer.add_block_count(shape.layers)
    writer.add_head_count(max(1, shape.width // 32))
    writer.add_layer_norm_eps(1e-5)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    tokens, merges = _vocabulary()
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.NORMAL] * (len(tokens) - 1) + [gguf.TokenType.CONTROL])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(len(tokens) - 1)
    writer.add_eos_token_id(len(tokens) - 1)
    _add_tensors(writer, shape, tokens, np.random.default_rng(seed))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    part.replace(path)
    return path


def shape_of_size(size: int) -> Shape:
    """The shape whose file has about ``size`` bytes, within one row of the position table (4 bytes x width).

    Raises ValueError below 400,000 bytes, where the vocabulary alone would be too large.
    """
    if size < 400_000:
        raise ValueError(f"a GPT-2 model of {size} bytes is too small to hold its vocabulary")
    vocabulary = len(_vocabulary()[0])
    layers, header = 2, 10_500
    width = max(32, int((size * 0.9 / (4 * 12 * layers)) ** 0.5) // 32 * 32)
    while True:
        body = 4 * (layers * (12 * width * width + 13 * width) + 2 * width * vocabulary + 2 * width)
        positions = (size - header - body) // (4 * width)
        if positions >= 32 or width == 32:
            return Shape(layers, width, max(32, positions))
        width -= 32


def _add_tensors(writer: gguf.GGUFWriter, shape: Shape, tokens: list[str], random: np.random.Generator) -> None:
    width = shape.width

    def weights(name: str, *dimensions: int, scale: float = 0.08) -> None:
        writer.add_tensor(name, random.standard_normal(dimensions, dtype=np.float32) * np.float32(scale))

    def norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(width, dtype=np.float32))
        writer.add_tensor(f"{name}.bias", np.zeros(width, dtype=np.float32))

    weights("token_embd.weight", len(tokens), width, scale=0.5)
    weights("position_embd.weight", shape.positions, width)
    for layer in range(shape.layers):
        block = f"blk.{layer}"
        norm(f"{block}.attn_norm")
        weights(f"{block}.attn_qkv.weight", 3 * width, width)
        weights(f"{block}.attn_qkv.bias", 3 * width)
        weights(f"{block}.attn_output.weight", width, width)
        weights(f"{block}.attn_output.bias", width)
        norm(f"{block}.ffn_norm")
        weights(f"{block}.ffn_up.weight", 4 * width, width)
        weights(f"{block}.ffn_up.bias", 4 * width)
        weights(f"{block}.ffn_down.weight", width, 4 * width)
        weights(f"{block}.ffn_down.bias", width)
    _add_output(writer, width, tokens, random)


def _add_output(writer: gguf.GGUFWriter, width: int, tokens: list[str], random: np.random.Generator) -> None:
    """The output layer, made so that only printable ASCII is ever chosen and a reply never ends by itself.

    The last norm gives channel 0 the constant 1, so column 0 of the output matrix is a bias for each token.
    """
    weight, bias = np.ones(width, dtype=np.float32), np.zeros(width, dtype=np.float32)
    weight[0], bias[0] = 0.0, 1.0
    writer.add_tensor("output_norm.weight", weight)
    writer.add_tensor("output_norm.bias", bias)
    output: Floats = random.standard_normal((len(tokens), width), dtype=np.float32) * np.float32(0.3)
    readable = [token != _END and all("!" <= letter <= "~" or letter == "Ġ" for letter in token) for token in tokens]
    output[:, 0] = np.where(readable, 0.0, -100.0)
    writer.add_tensor("output.weight", output)


def _vocabulary() -> tuple[list[str], list[str]]:
    """A byte-level BPE vocabulary: GPT-2's 256 byte letters, the merges learnt from ``_TEXT``, the end token."""
    tokens = list(_byte_letters().values())
    words = Counter("Ġ" + word for word in _TEXT.split())
    split = {word: list(word) for word in words}
    merges: list[str] = []
    for _ in range(_MERGES):
        pairs: Counter[tuple[str, str]] = Counter()
        for word, count in words.items():
            for pair in zip(split[word], split[word][1:], strict=False):
                pairs[pair] += count
        if not pairs:
            break
        left, right = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(f"{left} {right}")
        tokens.append(left + right)
        for word in words:
            split[word] = _merge(split[word], left, right)
    return [*dict.fromkeys(tokens), _END], merges


def _merge(parts: list[str], left: str, right: str) -> list[str]:
    merged: list[str] = []
    for part in parts:
        if merged and merged[-1] == left and part == right:
            merged[-1] = left + right
        else:
            merged.append(part)
    return merged


def _byte_letters() -> dict[int, str]:
    """GPT-2's table from bytes to printable letters (``bytes_to_unicode`` in OpenAI's gpt-2, src/encoder.py)."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    letters = {byte: chr(byte) for byte in plain}
    others = (byte for byte in range(256) if byte not in letters)
    letters.update({byte: chr(256 + index) for index, byte in enumerate(others)})
    return letters
