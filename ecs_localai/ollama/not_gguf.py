"""Says what a file is that is no GGUF file: people drop, and servers send, all sorts of things."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["is_modelfile_text", "what_it_is_instead"]

_ARCHIVES: Final = (
    (b"\x1f\x8b", "gzip"), (b"7z\xbc\xaf\x27\x1c", "7-Zip"), (b"\xfd7zXZ\x00", "xz"), (b"BZh", "bzip2"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"), (b"Rar!\x1a\x07", "RAR"),
)  # fmt: skip
_OLD_GGML: Final = (b"lmgg", b"fmgg", b"tjgg", b"algg")
"""The magics of GGUF's predecessors as they lie in a file: ``ggml``, ``ggmf``, ``ggjt``, ``ggla`` of llama.cpp."""
_MODELFILE: Final = re.compile(rb"(?i)(?:\xef\xbb\xbf)?(?:\s|#[^\n]*\n)*(?:FROM|PARAMETER|SYSTEM|TEMPLATE)[ \t]+\S")


def what_it_is_instead(start: bytes, name: str) -> str:
    """A sentence about a file with this beginning, which is not GGUF's."""
    what, remedy = _look(start)
    return f"{name} is {what}, not a GGUF file; {remedy}."


def is_modelfile_text(start: bytes) -> bool:
    """Whether a file with this beginning is a Modelfile: comments, then one of its commands."""
    return _MODELFILE.match(start) is not None and _is_text(start)


def _look(start: bytes) -> tuple[str, str]:
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        return "empty", "download it again"
    if b"GGUF".startswith(start):
        return "cut off after its first bytes", "download it again"
    if start.startswith(b"version https://git-lfs.github.com/"):
        return "a Git LFS pointer", "run git lfs pull where it came from to get the file that it stands for"
    if text[:1] == b"<":
        return "a web page", "use the page's download link instead of saving the page"
    if _is_safetensors(start):
        return "a safetensors file", "give the folder that it is in, or get the model as GGUF"
    if start.startswith(b"PK\x03\x04"):
        return "a zip archive, or a PyTorch file", "unpack it, or get the model as GGUF"
    if start[:2] in {b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"}:
        return "a PyTorch file", "get the model as GGUF"
    if start.startswith(_OLD_GGML):
        return "a GGML file, GGUF's predecessor of 2023", "get a newer file of the model"
    if start.startswith(b"FUGG"):
        return "a big-endian GGUF file", "get the usual, little-endian one of the model"
    return _look_further(start, text)


def _look_further(start: bytes, text: bytes) -> tuple[str, str]:
    archive = next((kind for magic, kind in _ARCHIVES if start.startswith(magic)), None)
    if archive is None and start[257:262] == b"ustar":
        archive = "tar"
    if archive is not None:
        return f"an archive ({archive})", "unpack it first"
    if not start.strip(b"\0"):
        return "nothing but zeros", "its download was begun and never finished: download it again"
    if text[:1] in {b"{", b"["}:
        return "JSON text", "get the model as GGUF"
    if is_modelfile_text(start):
        return "a Modelfile", "give it alone, without other files"
    if _is_text(start):
        return "text", "get the model as GGUF"
    return "something else", "check that it is the right one"


def _is_safetensors(start: bytes) -> bool:
    """A length of eight bytes, then JSON (``README.md`` of huggingface/safetensors)."""
    return start[8:10] in {b'{"', b"{ ", b"{}"} and int.from_bytes(start[:8], "little") < 1 << 32


def _is_text(start: bytes) -> bool:
    return not re.search(rb"[\x00-\x08\x0e-\x1f\x7f]", start)
