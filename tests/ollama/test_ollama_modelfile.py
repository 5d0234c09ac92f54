"""Reading and writing Modelfiles."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecs_localai.components.recipe import ModelRecipe, RecipeMessage
from ecs_localai.ollama.errors import InvalidRequest
from ecs_localai.ollama.model_parameters import KINDS, ParameterKind
from ecs_localai.ollama.modelfile import ModelfileError, modelfile_of, parse_modelfile, read_modelfile
from tests.ollama.ollama_parts import assert_one_clear_sentence


def recipe_of(text: str, folder: Path | None = None) -> ModelRecipe:
    """What a Modelfile says, without notes."""
    read = parse_modelfile(text, folder or Path("/nowhere"))
    assert read.notes == []
    return read.recipe


def test_all_commands_are_read_in_any_case_and_order() -> None:
    text = '''
# comment
sYsTeM """
You are "Mario".

Be brief."""
PARAMETER stop "<|end|>"
PARAMETER stop AI assistant:
	Parameter temperature 0.5
PARAMETER num_ctx 4096
PARAMETER use_mmap false
TEMPLATE "{{ .System }}
{{ .Prompt }}"
MESSAGE user Is Toronto in Canada?
MESSAGE assistant """yes: it is"""
LICENSE The first
LICENSE """The
second"""
RENDERER qwen3-coder
PARSER qwen3-coder
REQUIRES 0.14.0
# before the end
From   Library/Llama3.2:1b  '''
    assert recipe_of(text) == ModelRecipe(
        source="Llama3.2:1b",
        template="{{ .System }}\n{{ .Prompt }}",
        system='\nYou are "Mario".\n\nBe brief.',
        parameters={"stop": ["<|end|>", "AI assistant:"], "temperature": 0.5, "num_ctx": 4096, "use_mmap": False},
        licenses=["The first", "The\nsecond"],
        messages=[RecipeMessage("user", "Is Toronto in Canada?"), RecipeMessage("assistant", "yes: it is")],
        renderer="qwen3-coder",
        parser="qwen3-coder",
        requires="0.14.0",
    )


def test_the_last_of_two_templates_counts() -> None:
    assert recipe_of("FROM x\nSYSTEM one\nSYSTEM two").system == "two"


def test_line_ends_of_windows_and_byte_order_marks_are_no_matter(tmp_path: Path) -> None:
    text = 'FROM x\r\nSYSTEM """a\r\nb"""\r\n'
    for number, data in enumerate([text.encode(), text.encode("utf-8-sig"), text.encode("utf-16")]):
        path = tmp_path / f"{number}.modelfile"
        path.write_bytes(data)
        assert read_modelfile(path).recipe == ModelRecipe(source="x:latest", system="a\nb")


def test_paths_are_relative_to_the_modelfile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "deep"
    folder.mkdir()
    for name in ("model.gguf", "mmproj.gguf", "lora.gguf", "my model"):
        (folder / name).write_bytes(b"GGUF")
    (folder / "Modelfile").write_text("FROM ./model.gguf\nFROM mmproj.gguf\nADAPTER ../deep/lora.gguf\nFROM my model\n")
    recipe = read_modelfile(folder / "Modelfile").recipe
    assert recipe.source == ""
    assert [Path(path).resolve() for path in recipe.files] == [
        folder / "model.gguf", folder / "mmproj.gguf", folder / "my model",
    ]  # fmt: skip
    assert [Path(path).resolve() for path in recipe.adapters] == [folder / "lora.gguf"]
    monkeypatch.chdir(folder)
    assert read_modelfile(Path("Modelfile")).recipe == recipe
    monkeypatch.setenv("HOME", str(folder))
    assert recipe_of("FROM ~/model.gguf").files == [str(folder / "model.gguf")]
    assert recipe_of(f"FROM {folder}").files == [str(folder)]


def test_deprecated_parameters_are_passed_over_and_said_to_be() -> None:
    read = parse_modelfile("FROM x\nPARAMETER mirostat 1\nPARAMETER seed 3", Path())
    assert read.recipe.parameters == {"seed": 3}
    assert read.notes == ["Line 2: Ollama knows the parameter mirostat no more, so it is left out."]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 0, "There is no FROM line"),
        ("SYSTEM hi", 0, "There is no FROM line"),
        ("FROM x\nFROM y", 2, "there are two models after FROM"),
        ("FROM ./nothing.gguf", 1, "there is no file /nowhere/nothing.gguf"),
        ("FROM nothing.gguf", 1, "there is no file /nowhere/nothing.gguf"),
        ("FROM /nothing/at/all", 1, "there is no file /nothing/at/all"),
        ("FROM @sha256:00", 1, "FROM names no model"),
        ('FROM ""', 1, "FROM names no model"),
        ("FROM a b", 1, "has a space in it"),
        ("FROM x\n\nADAPTER ./none.gguf", 3, "there is no file /nowhere/none.gguf"),
        ("FROM x\nHELLO world", 2, "HELLO is no command; use one of FROM, ADAPTER"),
        ("FROM x\nHello", 2, "“Hello” is no command with a value"),
        ("FROM x\n{{ .Prompt }}", 2, "“{{ .Prompt }}” is no command with a value"),
        ("FROM x\nSYSTEM", 2, "is no command with a value"),
        ('FROM x\nSYSTEM """never\nclosed\n', 2, 'begins with """ does not end with it'),
        ('FROM x\nSYSTEM "quoted" and more', 2, 'begins with " does not end with it'),
        ("FROM x\nPARAMETER temprature 1", 2, "Ollama knows no parameter temprature"),
        ("FROM x\nPARAMETER temperature warm", 2, "temperature is a number, not 'warm'"),
        ("FROM x\nPARAMETER temperature nan", 2, "temperature is a number, not 'nan'"),
        ("FROM x\nPARAMETER num_ctx 4096.5", 2, "num_ctx is a whole number, not '4096.5'"),
        ("FROM x\nPARAMETER num_ctx 99999999999999999999", 2, "num_ctx is a whole number"),
        ("FROM x\nPARAMETER use_mmap perhaps", 2, "use_mmap is true or false, not 'perhaps'"),
        ("FROM x\nPARAMETER seed", 2, "is no command with a value"),
        ("FROM x\nMESSAGE tool hi", 2, "a message is from system, user or assistant, not 'tool'"),
        ("FROM x\nDRAFT ./d.gguf", 2, "a draft model cannot be sent from here"),
        ('FROM x\nSYSTEM """\n\n\n"""\nWRONG', 6, "“WRONG” is no command"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(ModelfileError) as caught:
        parse_modelfile(text, Path("/nowhere"))
    assert said in caught.value.message
    assert caught.value.line == line
    assert caught.value.message.startswith(f"Line {line}: " if line else "There is")
    assert_one_clear_sentence(caught.value)


def test_files_that_are_no_modelfile_are_told(tmp_path: Path) -> None:
    (tmp_path / "zeros").write_bytes(b"GGUF" + bytes(100))
    (tmp_path / "latin").write_bytes(b"FROM x\nSYSTEM \xe4\xf6\xfc")
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 32)
    for name in ("zeros", "latin", "huge", "nothing", "."):
        with pytest.raises((ModelfileError, InvalidRequest)) as caught:
            read_modelfile(tmp_path / name)
        assert_one_clear_sentence(caught.value)


def test_files_and_a_model_together_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(b"GGUF")
    with pytest.raises(ModelfileError, match="FROM a model and FROM files at once") as caught:
        parse_modelfile("FROM x\nFROM a.gguf", tmp_path)
    assert_one_clear_sentence(caught.value)


texts = st.text(st.characters(categories=("L", "N", "P", "S"), include_characters='\n\t "'), max_size=40)


def parameters() -> st.SearchStrategy[dict[str, str | int | float | bool | list[str]]]:
    """Values of the right kinds."""
    of_kind: dict[ParameterKind, st.SearchStrategy[object]] = {
        ParameterKind.WHOLE: st.integers(-(2**63), 2**63 - 1),
        ParameterKind.NUMBER: st.floats(-1e30, 1e30),
        ParameterKind.SWITCH: st.booleans(),
        ParameterKind.TEXTS: st.lists(texts, min_size=1, max_size=3),
    }
    entries = st.sampled_from(sorted(KINDS)).flatmap(lambda name: st.tuples(st.just(name), of_kind[KINDS[name]]))
    return st.lists(entries, max_size=4).map(dict)  # type: ignore[arg-type]  # the kinds above are the values' types


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.builds(
        ModelRecipe,
        source=st.sampled_from(["llama3.2:1b", "hf.co/a/b:latest"]),
        template=texts,
        system=texts,
        parameters=parameters(),
        licenses=st.lists(texts, max_size=2),
        messages=st.lists(
            st.builds(RecipeMessage, st.sampled_from(["system", "user", "assistant"]), texts), max_size=2
        ),
    )
)
def test_what_is_written_is_read_again_as_it_was(recipe: ModelRecipe) -> None:
    try:
        text = modelfile_of(recipe)
    except ValueError:
        every = [recipe.template, recipe.system, *recipe.licenses, *(one.content for one in recipe.messages)]
        stops = recipe.parameters.get("stop", [])
        assert any('""' in one for one in [*every, *(stops if isinstance(stops, list) else [])])
        return
    assert recipe_of(text) == recipe


def test_what_cannot_be_written_is_said() -> None:
    for text in ('"""\nmore', 'a\n b"""\nc "', "\x00", "zero\u200bwidth"):
        with pytest.raises(ValueError, match="A Modelfile cannot hold"):
            modelfile_of(ModelRecipe(source="x", system=text))


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=120), st.sampled_from(["", "FROM x\n", 'FROM x\nSYSTEM """', "PARAMETER ", "MESSAGE user "]))
def test_any_text_is_read_or_told(text: str, start: str) -> None:
    told = "."
    try:
        parse_modelfile(start + text, Path("/nowhere"))
    except ModelfileError as error:
        told = error.message
    assert "\n" not in told
    assert told.endswith(".")


def test_long_texts_take_no_longer_than_their_length() -> None:
    lines = "\n".join(f"line {number}" for number in range(200_000))
    recipe = recipe_of(f'FROM x\nSYSTEM """{lines}"""\n' + "# comment\n" * 100_000)
    assert recipe.system == lines
