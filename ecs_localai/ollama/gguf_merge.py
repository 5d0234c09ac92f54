"""The parts of a split GGUF model as one file, made while it is read: nothing is written to the disk.

What llama.cpp's ``gguf-split --merge`` does (``tools/gguf-split/gguf-split.cpp``): the first part's metadata without
``split.*``, all tensors in the order of the parts, each where the one before it ends, aligned. An Ollama before 0.30
takes the parts for several models in one, and ends when that is loaded (0.9.3).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from .gguf import MAGIC, Entries, NotGguf, read_fixed
from .gguf_tensors import Tensor, read_tensor
from .gguf_types import Broken, DataEnded, Window
from .local_paths import unreadable
from .spans import Span

__all__ = ["merged_spans"]

_SPLIT_KEYS: Final = frozenset({"split.no", "split.count", "split.tensors.count"})


class _Part(Struct, frozen=True):
    path: Path
    version: int
    entries: list[tuple[str, int, int]]
    """The key of each entry, and from where to where it lies in the file."""
    tensors: list[Tensor]
    data: int
    """Where the weights begin."""
    alignment: int
    tensors_of_all: int | None


def merged_spans(parts: Sequence[Path]) -> list[Span]:
    """What the merged file consists of, for the parts in their order. It reads their heads: not for the loop.

    Raises:
        NotGguf: the parts are damaged or do not belong together, or have weights of an unknown type.
        InvalidRequest: one cannot be read.
    """
    read = [_read(path) for path in parts]
    first, tensors = read[0], [tensor for part in read for tensor in part.tensors]
    wanted = first.tensors_of_all
    if wanted is not None and wanted != len(tensors):
        raise NotGguf(
            f"The parts of {first.path.name} do not belong together: there are {len(tensors)} of {wanted} tensors; "
            "get all of them anew."
        )
    kept = [entry for entry in first.entries if entry[0] not in _SPLIT_KEYS]
    fixed = struct.pack("<4sIQQ", MAGIC, first.version, len(tensors), len(kept))
    table, weights = _weights(read, first.alignment)
    metadata = [Span(first.path, start, end - start) for _, start, end in kept]
    length = len(fixed) + sum(span.size for span in metadata) + len(table)
    padding = -length % first.alignment
    return [Span.of(fixed), *metadata, Span.of(table + bytes(padding)), *weights]


def _weights(parts: list[_Part], alignment: int) -> tuple[bytes, list[Span]]:
    """The list of all tensors with their new places, and where their weights lie now."""
    table = bytearray()
    spans: list[Span] = []
    offset = 0
    for part in parts:
        for tensor in part.tensors:
            size = tensor.size
            if size is None:
                raise NotGguf(
                    f"{part.path.name} has weights of an unknown type; update Ollama, which takes parts itself."
                )
            count = len(tensor.dimensions)
            table += struct.pack("<Q", len(tensor.name)) + tensor.name
            table += struct.pack(f"<I{count}QIQ", count, *tensor.dimensions, tensor.kind, offset)
            padding = -size % alignment
            spans += [Span(part.path, part.data + tensor.offset, size), Span.of(bytes(padding))]
            offset += size + padding
    return bytes(table), [span for span in spans if span.size]


def _read(path: Path) -> _Part:
    try:
        size = path.stat().st_size
        with path.open("rb", buffering=256 * 1024) as file:
            return _read_part(Window(file, size), path)
    except OSError as error:
        raise unreadable(path, error) from error
    except (Broken, DataEnded) as error:
        raise NotGguf(f"{path.name} is a damaged GGUF file; download it again.") from error


def _read_part(window: Window, path: Path) -> _Part:
    version, tensor_count, kv_count = read_fixed(window, path.name)
    entries, ranges = Entries(), []
    for _ in range(kv_count):
        start = window.position
        ranges.append((entries.read_next(window), start, window.position))
    alignment = entries.kept.get("general.alignment", 32)
    if not isinstance(alignment, int) or not 0 < alignment <= 1 << 20:
        raise Broken("its alignment is senseless")
    tensors = [read_tensor(window) for _ in range(tensor_count)]
    wanted = entries.kept.get("split.tensors.count")
    return _Part(
        path,
        version,
        ranges,
        tensors,
        -(-window.position // alignment) * alignment,
        alignment,
        wanted if isinstance(wanted, int) else None,
    )
