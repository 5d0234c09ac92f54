"""What Ollama says when it does not make a model, in the words of its versions, becomes a sentence for people."""

from __future__ import annotations

import pytest

from ecs_localai.ollama.create_failures import create_failure
from ecs_localai.ollama.errors import ErrorKind, OllamaError, ServerFailure
from tests.ollama.ollama_parts import assert_one_clear_sentence

SAID = {
    "supplied file was not in GGUF format": "does not take the file for GGUF",
    "invalid file magic": "does not take the file for GGUF",
    "unexpected EOF": "ends too early",
    "unknown type": "finds no model in these files",
    'unsupported architecture "FooBarForCausalLM"': "cannot convert the architecture FooBarForCausalLM",
    "quantization is only supported for F16 and F32 models": "can quantise F16 and F32 models only",
    "quantization is only supported for F16, BF16 and F32 models": "can quantise F16, BF16 and F32 models only",
    "create-time quantization is only supported for safetensors imports; quantize GGUF models with llama.cpp tools "
    "before importing": "quantises safetensors only, not GGUF",
    "unsupported quantization type NONSENSE - supported types are F32, F16, Q4_K_S, Q4_K_M, Q8_0": (
        "knows no quantisation NONSENSE; it can make F32, F16, Q4_K_S, Q4_K_M, Q8_0"
    ),
    "only one adapter is currently supported": "takes one adapter",
    "LoRA adapters are no longer supported": "does not take adapters any more",
    "no base model was found": "needs the model that it changes",
    "template error: template: :1: unclosed action": "cannot read the template (template: :1: unclosed action)",
    "pull model manifest: file does not exist": "does not find the model that this one is to be made of",
    'split GGUF "a.gguf" has 2 shards, expected 3': "does not take these parts for one model",
    "open config.json: no such file or directory": "has no config.json",
    "open /root/.ollama/models/blobs/sha256-" + "0" * 64 + ": no such file or directory": "does not have a file",
    "stat /root/.ollama/models/blobs/sha256-" + "0" * 64 + ": no such file or directory": "does not have a file",
    "digest mismatch": "changed while it was being sent",
}


@pytest.mark.parametrize(("said", "words"), SAID.items())
def test_what_is_known_is_told_in_our_words(said: str, words: str) -> None:
    for version in ("", "0.9.3"):
        error = create_failure(ServerFailure("Ollama failed; try again.", detail=said), version)
        assert words in error.message
        assert_one_clear_sentence(error)
        assert error.detail == said


def test_what_is_not_known_stays_as_it_is() -> None:
    error = OllamaError("The disk is full; free some space.", ErrorKind.DISK_FULL, detail="no space left on device")
    assert create_failure(error) is error
