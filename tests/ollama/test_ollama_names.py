"""Model names: read as Ollama reads them, and refused with a sentence that helps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_localai.ollama.errors import ErrorKind, InvalidModelName
from ecs_localai.ollama.names import ModelName, parse_model_name, parse_model_names
from tests.ollama.ollama_parts import assert_one_clear_sentence
from tests.rig.ollama_server import OllamaServer


@pytest.mark.parametrize(
    ("text", "short", "full"),
    [
        ("llama3.2", "llama3.2:latest", "registry.ollama.ai/library/llama3.2:latest"),
        (" llama3.2:1b\n", "llama3.2:1b", "registry.ollama.ai/library/llama3.2:1b"),
        ("library/x", "x:latest", "registry.ollama.ai/library/x:latest"),
        ("Registry.Ollama.AI/Library/X:Y", "X:Y", "Registry.Ollama.AI/Library/X:Y"),
        ("me/x:1", "me/x:1", "registry.ollama.ai/me/x:1"),
        ("localhost:5000/library/x", "localhost:5000/library/x:latest", "localhost:5000/library/x:latest"),
        ("localhost:5000/library/x:y", "localhost:5000/library/x:y", "localhost:5000/library/x:y"),
        ("hf.co/user/repo.name-GGUF:Q4_K_M", "hf.co/user/repo.name-GGUF:Q4_K_M", "hf.co/user/repo.name-GGUF:Q4_K_M"),
        ("https://hf.co/user/repo", "hf.co/user/repo:latest", "hf.co/user/repo:latest"),
        ("http://example.com/a/b:c", "example.com/a/b:c", "example.com/a/b:c"),
        ("gpt-oss:120b-cloud", "gpt-oss:120b-cloud", "registry.ollama.ai/library/gpt-oss:120b-cloud"),
        ("x:cloud", "x:cloud", "registry.ollama.ai/library/x:cloud"),
        ("_x", "_x:latest", "registry.ollama.ai/library/_x:latest"),
    ],
)
def test_reads_names_and_fills_in_what_is_missing(text: str, short: str, full: str) -> None:
    name = parse_model_name(text)
    assert (name.short, name.full, str(name)) == (short, full, short)


def test_names_are_compared_without_regard_to_case() -> None:
    assert parse_model_name("LLaMA3:Latest").key == parse_model_name("library/llama3").key
    assert parse_model_name("me/x").key != parse_model_name("you/x").key


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "llama3.2:1b"),
        ("ollama run llama3.2:1b", "llama3.2:1b"),
        ("llama 3", "space"),
        ("x@sha256:abc", "'@sha256:abc'"),
        ("x:1@sha256:abc", "'@sha256:abc'"),
        ("localhost:5000/x", "localhost:5000/library/x"),
        ("registry.example/x:1", "registry.example/library/x"),
        ("hf.co/repo", "hf.co/USER/repo"),
        ("https://ollama.com/llama3", "ollama.com/library/llama3.2:1b"),
        ("ftp://example.com/a/b", "https://"),
        ("x:cloud:local", "only one of"),
        ("x:8b-cloud:local", "only one of"),
        ("x:local:cloud", "only one of"),
        ("x:a:b", "not allowed"),
        ("a/b/c/d", "three at most"),
        ("x:", "tag is missing"),
        ("/x", "namespace is missing"),
        ("a//x", "namespace is missing"),
        ("a/", "model is missing"),
        ("-x", "start"),
        (".x", "start"),
        ("x:-1", "start"),
        ("ex.ample.com:1/.a/x", "start"),
        ("example.com/a.b/x", "not allowed"),
        ("größe", "not allowed"),
        ("x+y", "not allowed"),
        ("x" * 81, "80"),
        ("x:" + "y" * 81, "80"),
        ("n" * 81 + "/x", "80"),
        ("h" * 351 + "/n/x", "350"),
    ],
)
def test_says_what_is_wrong_with_a_name(text: str, hint: str) -> None:
    with pytest.raises(InvalidModelName) as caught:
        parse_model_name(text)
    assert hint in caught.value.message
    assert caught.value.kind is ErrorKind.INVALID_MODEL_NAME
    assert_one_clear_sentence(caught.value)


_PARTS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,12}", fullmatch=True)
_NAMES = st.builds(
    ModelName,
    host=st.sampled_from(["registry.ollama.ai", "localhost:5000", "hf.co", "Registry.Ollama.ai"]),
    namespace=st.one_of(st.just("library"), st.just("Library"), _PARTS),
    model=_PARTS,
    tag=st.one_of(st.just("latest"), _PARTS),
)


@given(_NAMES)
def test_short_and_full_forms_read_back_as_the_same_model(name: ModelName) -> None:
    assert parse_model_name(name.full) == name
    assert parse_model_name(name.short).key == name.key
    assert parse_model_name(name.key).key == name.key


@given(st.text(max_size=40))
def test_any_text_gives_a_name_or_a_sentence(text: str) -> None:
    try:
        name = parse_model_name(text)
    except InvalidModelName:
        name = None
    if name is not None:
        assert parse_model_name(name.full) == name


_TRIED = [
    "plain",
    "Upper:CASE",
    "dots.and-dashes_:v1.0",
    "_leading",
    "me/x",
    "me.dot/x",
    "localhost:5000/x",
    "localhost:5000/library/x",
    "hf.co/user/repo.name:Q4_K_M",
    "a/b/c/d",
    "x:a:b",
    "-x",
    ".x",
    "x:",
    "x:-a",
    "x:.a",
    "/x",
    "a/",
    "a//b",
    "x@sha256-0",
    "x+y",
    "x~y",
    "größe",
    "x" * 80,
    "x" * 81,
    "x:" + "y" * 80,
    "x:" + "y" * 81,
    "n" * 80 + "/x",
    "n" * 81 + "/x",
    "0",
    "x..y",
    "x__y",
    "http://example.com/a/b",
    "example.com:80/a/b:c",
    "LIBRARY/other",
]


@pytest.mark.ollama
@pytest.mark.parametrize("text", _TRIED)
def test_a_real_server_takes_the_same_names_and_shows_them_so(ollama_server: OllamaServer, text: str) -> None:
    answer = ollama_server.call("POST", "/api/copy", {"source": "tiny:latest", "destination": text})
    try:
        name = parse_model_name(text)
    except InvalidModelName:
        assert answer.status == 400, answer.body
        return
    assert answer.status == 200, answer.body
    try:
        assert name.short in ollama_server.model_names()
    finally:
        ollama_server.delete(text)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("llama3.2:1b", ["llama3.2:1b"]),
        ("llama3.2:1b qwen3:4b,tiny", ["llama3.2:1b", "qwen3:4b", "tiny:latest"]),
        (" a,\tb ;\n c,, ", ["a:latest", "b:latest", "c:latest"]),
        ("a A:latest registry.ollama.ai/library/a b", ["a:latest", "b:latest"]),
    ],
)
def test_several_names_are_read_each_once(text: str, names: list[str]) -> None:
    assert [name.short for name in parse_model_names(text)] == names


@pytest.mark.parametrize("text", ["", " , ", "a -x", "a,b/c/d/e", "ollama pull a b", "a b@sha256:abc"])
def test_one_wrong_name_refuses_all(text: str) -> None:
    with pytest.raises(InvalidModelName) as caught:
        parse_model_names(text)
    assert caught.value.message.endswith(".")
