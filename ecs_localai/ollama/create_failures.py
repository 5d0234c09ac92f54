"""Why Ollama did not make a model, in sentences: its own words (``server/create.go``, 0.5.5 to 0.35), sorted."""

from __future__ import annotations

import re
from typing import Final

from .errors import OllamaError

__all__ = ["create_failure"]

_SENTENCES: Final = (
    (r"not in GGUF format|invalid file magic", "Ollama does not take the file for GGUF{version}; download it again."),
    (r"unexpected EOF|^EOF$", "Ollama says that the file ends too early; download it again."),
    (r"^unknown type$", "Ollama{version} finds no model in these files; get the model as GGUF."),
    (
        r'unsupported (?:model )?architecture:? "?([^"]*)"?',
        "Ollama{version} cannot convert the architecture {0}; update Ollama, or get the model as GGUF.",
    ),
    (
        r"create-time quantization is only supported",
        "Ollama{version} quantises safetensors only, not GGUF; get a file that is quantised, or leave that out.",
    ),
    (
        r"quantization is only supported for (.*) models",
        "Ollama can quantise {0} models only, and takes this for none; use it as it is, or get its F16 file.",
    ),
    (
        r"unsupported quantization type (\S+) - supported types are (.*)",
        "Ollama{version} knows no quantisation {0}; it can make {1}.",
    ),
    (
        r"unsupported (?:quantiz\w* type|file ?type) \"?([\w.]+)",
        "Ollama{version} knows no quantisation {0}; use one such as q4_K_M or q8_0.",
    ),
    (r"(?:open|stat) \S*sha256-[0-9a-f]{64}: ", "Ollama does not have a file that it needs any more; try again."),
    (
        r"only one adapter",
        "Ollama takes one adapter for a model, and there are several; leave one of them.",
    ),
    (
        r"adapters are no longer supported|adapters? (?:is|are) not supported",
        "Ollama{version} does not take adapters any more; get the model with the adapter merged into it, as GGUF.",
    ),
    (r"no base model was found", "An adapter needs the model that it changes; name that, too."),
    (r"template error: (.*)", "Ollama cannot read the template ({0}); correct it."),
    (
        r"pull model manifest|model .* not found|file does not exist",
        "Ollama does not find the model that this one is to be made of; install that first.",
    ),
    (r"split GGUF", "Ollama does not take these parts for one model ({said}); get all of them anew."),
    (r"open (\S+\.(?:json|model)): ", "The model's folder has no {0}, which Ollama needs; get all of the model."),
    (r"invalid version|invalid requires|must be a valid semver", "REQUIRES is a version, like 0.14.0; correct it."),
    (r"digest mismatch", "A file changed while it was being sent; wait until it is complete, then try again."),
)  # fmt: skip


def create_failure(error: OllamaError, version: str = "") -> OllamaError:
    """The error of a creation, or of an upload before it, with a sentence for what Ollama says, where it is known."""
    said = " ".join(error.detail.split())
    for pattern, sentence in _SENTENCES:
        match = re.search(pattern, said, re.IGNORECASE)
        if match is not None:
            told = sentence.format(
                *(_shortened(group or "?") for group in match.groups()),
                version=f" {version}" if version else "",
                said=_shortened(said),
            )
            return OllamaError(told, error.kind, False, detail=error.detail)
    return error


def _shortened(text: str) -> str:
    text = text.strip().rstrip(".")
    return text if len(text) <= 100 else text[:100] + "…"
