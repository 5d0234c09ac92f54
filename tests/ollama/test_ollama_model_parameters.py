"""The parameters of a model: as a real Ollama prints them, as a person writes them, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_localai.ollama.model_parameters import (
    KINDS,
    InvalidParameter,
    ParameterKind,
    ParameterValue,
    parameter_lines,
    parse_parameter_lines,
    read_shown_parameters,
)
from tests.rig.model_files import create_model, tiny_gpt2
from tests.rig.ollama_server import OllamaServer

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
VALUES: dict[ParameterKind, st.SearchStrategy[ParameterValue]] = {
    ParameterKind.WHOLE: st.integers(-(2**50), 2**50),
    ParameterKind.NUMBER: st.floats(-1e6, 1e6, allow_nan=False).filter(lambda number: not number.is_integer()),
    ParameterKind.SWITCH: st.booleans(),
    ParameterKind.TEXTS: st.lists(TEXTS, min_size=1, max_size=3),
}


@st.composite
def parameters(draw: st.DrawFn) -> dict[str, ParameterValue]:
    """Known parameters with values that they can have."""
    names = draw(st.lists(st.sampled_from(sorted(KINDS)), unique=True))
    return {name: draw(VALUES[KINDS[name]]) for name in names}


@given(parameters())
def test_what_is_written_down_is_read_as_the_same(given_: dict[str, ParameterValue]) -> None:
    assert parse_parameter_lines(parameter_lines(given_)) == given_


def test_a_person_may_write_them_in_several_ways() -> None:
    text = 'temperature 0.2\n\n num_ctx = 4096\nTOP_K=3\nstop <|im_start|>\nstop " "\nstop "a\\nb"\nuse_mmap false\n'
    assert parse_parameter_lines(text) == {
        "temperature": 0.2,
        "num_ctx": 4096,
        "top_k": 3,
        "stop": ["<|im_start|>", " ", "a\nb"],
        "use_mmap": False,
    }


def test_what_a_later_ollama_may_know_is_let_pass_with_its_kind() -> None:
    assert parse_parameter_lines('frobnicate 3\nsomething_else "3"\nmore true') == {
        "frobnicate": 3,
        "something_else": "3",
        "more": True,
    }


def test_what_nobody_knows_is_refused_where_a_model_is_made_anew() -> None:
    assert parse_parameter_lines("num_ctx 512\ndraft_num_predict 2", others=False) == {
        "num_ctx": 512,
        "draft_num_predict": 2,
    }
    with pytest.raises(InvalidParameter, match=r"^Ollama knows no setting frobnicate; correct or remove it\.$"):
        parse_parameter_lines("frobnicate 3", others=False)


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("temperature hot", "temperature is a number, not “hot”."),
        ("num_ctx 1.5", "a whole number"),
        ("use_mmap 1", "true or false"),
        ("temprature 0.2", "did you mean temperature?"),
        ("temperature", "has no value"),
        ("top_k 1\ntop_k 2", "twice"),
        ("<|im_start|>", "is no setting"),
    ],
)
def test_a_line_that_is_none_is_refused_in_a_sentence(line: str, part: str) -> None:
    with pytest.raises(InvalidParameter) as refusal:
        parse_parameter_lines(line)
    assert part in str(refusal.value)
    assert str(refusal.value)[-1] in ".?"


def test_what_a_real_ollama_prints_is_what_it_was_given(ollama_server: OllamaServer) -> None:
    wanted: dict[str, ParameterValue] = {
        "num_ctx": 512,
        "num_gpu": 0,
        "seed": 123456789,
        "stop": ["</s>", 'a"b\\c', "line\nend\té"],
        "temperature": 0.25,
        "use_mmap": True,
    }
    create_model(ollama_server, "tiny-parameters:latest", tiny_gpt2(), parameters=wanted)
    try:
        shown = ollama_server.call("POST", "/api/show", {"model": "tiny-parameters"}).json()["parameters"]
        assert read_shown_parameters(str(shown)) == wanted
        create_model(ollama_server, "tiny-parameters:one", tiny_gpt2(), parameters={"stop": ["</s>"]})
        shown = ollama_server.call("POST", "/api/show", {"model": "tiny-parameters:one"}).json()["parameters"]
        assert read_shown_parameters(str(shown)) == {"stop": ["</s>"]}
    finally:
        for name in ollama_server.model_names():
            if name.startswith("tiny-parameters"):
                ollama_server.delete(name)
