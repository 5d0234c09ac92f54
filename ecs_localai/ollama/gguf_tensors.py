"""The list of weights in a GGUF file: enough to tell how long the file has to be."""

from __future__ import annotations

import math
import struct
from typing import Final

from msgspec import Struct

from .gguf_types import Broken, Window

__all__ = ["TENSOR_TYPES", "Tensor", "TensorTable", "read_tensor", "read_tensor_table"]

_COUNT_LIMIT: Final = 200_000
"""The largest models have a few thousand."""
_NAME_LIMIT: Final = 1024
_DIMENSIONS: Final = 8
_LARGEST: Final = 1 << 50

TENSOR_TYPES: Final = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 10: (256, 84),
    11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 16: (256, 66), 17: (256, 74),
    18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136), 24: (1, 1),
    25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66),
    39: (32, 17),
}  # fmt: skip
"""How many weights one block of a type holds, and its bytes (``gguf/constants.py`` of llama.cpp)."""


class Tensor(Struct, frozen=True):
    """An entry of the list."""

    name: bytes
    dimensions: tuple[int, ...]
    kind: int
    offset: int
    """In bytes, from where the weights begin."""

    @property
    def elements(self) -> int:
        """The number of weights."""
        return math.prod(self.dimensions)

    @property
    def size(self) -> int | None:
        """In bytes; None where the type is not known."""
        known = TENSOR_TYPES.get(self.kind)
        return None if known is None else -(-self.elements // known[0]) * known[1]


class TensorTable(Struct, frozen=True):
    """What the list of weights says in all."""

    parameters: int
    """The number of weights."""
    needed_size: int | None
    """The bytes that the file must have; None where a type is not known."""


def read_tensor_table(window: Window, count: int, alignment: int) -> TensorTable:
    """Read the list, which begins where the metadata ends.

    Raises:
        DataEnded: the file is shorter than its list.
        Broken: it cannot be a list of weights.
    """
    if count > _COUNT_LIMIT:
        raise Broken(f"it claims to have {count:,} tensors")
    if alignment <= 0 or alignment > 1 << 20:
        raise Broken(f"its weights are said to be aligned to {alignment:,} bytes")
    parameters = 0
    end: int | None = 0
    for _ in range(count):
        tensor = read_tensor(window)
        parameters += tensor.elements
        end = None if end is None or tensor.size is None else max(end, tensor.offset + tensor.size)
    begin = -(-window.position // alignment) * alignment
    return TensorTable(parameters, None if end is None else begin + end if count else window.position)


def read_tensor(window: Window) -> Tensor:
    """The next entry of the list. Raises DataEnded, Broken."""
    length = window.number("<Q")
    if length > _NAME_LIMIT:
        raise Broken(f"the name of a tensor has {length:,} bytes")
    name = window.take(length)
    count = window.number("<I")
    if count > _DIMENSIONS:
        raise Broken(f"a tensor has {count:,} dimensions")
    dimensions = struct.unpack(f"<{count}Q", window.take(8 * count))
    tensor = Tensor(name, dimensions, window.number("<I"), window.number("<Q"))
    if tensor.elements > _LARGEST or tensor.offset > _LARGEST:
        raise Broken("a tensor in it claims to be larger than any disk")
    return tensor
