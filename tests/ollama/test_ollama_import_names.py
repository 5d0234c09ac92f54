"""Names for models that come from files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_localai.ollama.import_names import free_name, suggested_name
from ecs_localai.ollama.names import parse_model_name


@pytest.mark.parametrize(
    ("candidates", "name"),
    [
        (["SmolLM2 135M Instruct"], "smollm2-135m-instruct"),
        (["", Path("/m/Qwen3-4B-Q4_K_M.gguf")], "qwen3-4b-q4_k_m"),
        (["model", Path("/m/ggml-model.gguf"), Path("/home/me/Llamas")], "llamas"),
        ([Path("/m/big-00002-of-00005.gguf")], "big"),
        ([Path("/m/Mario.Modelfile"), "x"], "mario"),
        ([Path("/blobs/sha256-" + "ab" * 32), "Ärger & Söhne!"], "arger-sohne"),
        (["모델", "123", "..", Path("/")], "model"),
        (["a" * 300], "a" * 72),
    ],
)
def test_the_first_that_says_something_names_the_model(candidates: list[str | Path], name: str) -> None:
    assert suggested_name(candidates) == name


@given(st.lists(st.text(max_size=100), max_size=3))
def test_every_suggestion_is_a_valid_name(candidates: list[str]) -> None:
    name = suggested_name([*candidates, *map(Path, candidates)])
    assert parse_model_name(name).short == f"{name}:latest"


def test_a_taken_name_gets_the_next_free_number() -> None:
    taken = ["Mine:latest", "mine-2:latest", "other:1", "no name at all"]
    assert free_name("mine", taken).short == "mine-3:latest"
    assert free_name("other:1", taken).short == "other-2:1"
    assert free_name("other", taken).short == "other:latest"
