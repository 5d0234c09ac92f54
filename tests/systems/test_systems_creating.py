"""Making a model of local files on a real Ollama: what is sent, what is told, and what is refused before."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import gguf
import msgspec
import pytest

from ecs_localai import InstallationError, InstallationErrorKind, InstallationPhase
from ecs_localai.components.recipe import ModelRecipe, RecipeMessage
from ecs_localai.ollama.client import OllamaClient
from ecs_localai.ollama.errors import OllamaError
from ecs_localai.ollama.gguf import read_gguf
from ecs_localai.systems.creating import creation_error
from ecs_localai.systems.creation_mark import CreationMark
from ecs_localai.systems.installation_report import InstallationReport
from tests.rig.model_files import create_model, smollm2, tiny_gpt2, write_gguf
from tests.rig.ollama_server import OllamaServer
from tests.systems.creating_parts import Reports, copy_of, create, fields_of, run_create, shards_of
from tests.systems.systems_parts import assert_clear

pytestmark = pytest.mark.ollama

ALL = [InstallationPhase.VERIFYING, InstallationPhase.EXTRACTING, InstallationPhase.INSTALLING]


def generate(server: OllamaServer, name: str) -> str:
    """What a model answers, with its first tokens alone."""
    options = {"num_predict": 8, "num_ctx": 512, "num_gpu": 0, "seed": 1, "temperature": 0}
    body = {"model": name, "prompt": "the world", "stream": False, "keep_alive": 0, "options": options}
    answer = server.call("POST", "/api/generate", body)
    assert answer.status == 200, answer.body
    return str(answer.json()["response"])


def failure_of(server: OllamaServer, name: str, recipe: ModelRecipe) -> InstallationError:
    """How making it fails."""
    before = server.model_names()
    with pytest.raises(InstallationError) as caught:
        run_create(server, name, recipe)
    assert_clear(caught.value.message)
    assert server.model_names() == before
    return caught.value


def test_a_file_becomes_a_model_with_what_its_recipe_says(fresh_ollama: OllamaServer) -> None:
    recipe = ModelRecipe(
        files=[str(tiny_gpt2())],
        template="{{ .System }} {{ .Prompt }}",
        system="You are brief.",
        parameters={"temperature": 0.25, "num_ctx": 512, "stop": ["one", "two"]},
        licenses=["The licence", "Another one"],
        messages=[RecipeMessage("user", "Hi"), RecipeMessage("assistant", "Hello")],
    )
    reports = Reports()
    model = run_create(fresh_ollama, "Mine:1", recipe, reports)
    assert (model.name, model.family, model.is_cloud) == ("Mine:1", "gpt2", False)
    assert model.size is not None
    assert model.size > tiny_gpt2().stat().st_size
    assert model.capabilities.capabilities == ["completion"]
    shown = fresh_ollama.call("POST", "/api/show", {"model": "mine:1"}).json()
    assert (shown["template"], shown["system"]) == (recipe.template, recipe.system)
    assert shown["license"] == "The licence\nAnother one"
    assert shown["messages"] == [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    assert sorted(" ".join(line.split()) for line in str(shown["parameters"]).splitlines()) == [
        "num_ctx 512", 'stop "one"', 'stop "two"', "temperature 0.25",
    ]  # fmt: skip
    assert reports.phases == ALL
    size = tiny_gpt2().stat().st_size
    for phase, sent, share in zip(ALL, (0, size, size), (0.4, 0.98, 0.98), strict=True):
        last = [report for report in reports.all if report.phase is phase][-1]
        assert (last.bytes_done, last.total_bytes, last.bytes_present) == (sent, size, 0)
        assert last.fraction == pytest.approx(share)
    assert generate(fresh_ollama, "mine:1")


def test_what_the_host_has_already_is_not_sent_again(fresh_ollama: OllamaServer) -> None:
    run_create(fresh_ollama, "first", ModelRecipe(files=[str(tiny_gpt2())]))
    reports = Reports()
    run_create(fresh_ollama, "second", ModelRecipe(files=[str(tiny_gpt2())]), reports)
    size = tiny_gpt2().stat().st_size
    (sent,) = [report for report in reports.all if report.phase is InstallationPhase.EXTRACTING]
    assert (sent.bytes_done, sent.bytes_present, sent.total_bytes) == (size, size, size)


def test_progress_is_told_piece_by_piece(fresh_ollama: OllamaServer) -> None:
    reports = Reports()
    run_create(fresh_ollama, "smol", ModelRecipe(files=[str(smollm2())]), reports)
    for phase in ALL[:2]:
        assert len([report for report in reports.all if report.phase is phase]) > 20
    assert reports.all[-1].fraction == pytest.approx(0.98)


def test_another_model_s_parameters_make_a_new_one_without_any_bytes(fresh_ollama: OllamaServer) -> None:
    run_create(fresh_ollama, "base", ModelRecipe(files=[str(tiny_gpt2())], system="Old", parameters={"seed": 1}))
    reports = Reports()
    recipe = ModelRecipe(source="BASE", system="New", parameters={"temperature": 0.5})
    model = run_create(fresh_ollama, "derived", recipe, reports)
    assert model.name == "derived:latest"
    assert reports.phases == [InstallationPhase.INSTALLING]
    shown = fresh_ollama.call("POST", "/api/show", {"model": "derived"}).json()
    assert shown["system"] == "New"
    assert sorted(" ".join(line.split()) for line in str(shown["parameters"]).splitlines()) == [
        "seed 1", "temperature 0.5",
    ]  # fmt: skip


def test_a_source_that_is_not_there_is_told_before_ollama_would_download_it(fresh_ollama: OllamaServer) -> None:
    error = failure_of(fresh_ollama, "derived", ModelRecipe(source="nosuch:1"))
    assert error.kind is InstallationErrorKind.MODEL_NOT_FOUND
    assert error.message == "nosuch:1 is not installed on this host; install it first, then try again."


def test_what_a_failed_creation_leaves_behind_is_cleared_away(fresh_ollama: OllamaServer) -> None:
    """0.9.3 says what is wrong with the source, then makes a model without weights of it all the same."""
    run_create(fresh_ollama, "base", ModelRecipe(files=[str(tiny_gpt2())]))
    weights = max((fresh_ollama.models_dir / "blobs").iterdir(), key=lambda path: path.stat().st_size)
    weights.unlink()
    error = failure_of(fresh_ollama, "derived", ModelRecipe(source="base"))
    assert "does not have a file that it needs any more" in error.message
    assert fresh_ollama.model_names() == ["base:latest"]


def test_a_model_that_is_there_is_not_overwritten_unless_that_is_wanted(fresh_ollama: OllamaServer) -> None:
    run_create(fresh_ollama, "mine", ModelRecipe(files=[str(tiny_gpt2())], system="Old"))
    error = failure_of(fresh_ollama, "MINE", ModelRecipe(source="mine", system="New"))
    assert error.message == "There is a model mine:latest already; choose another name, or remove it first."
    run_create(fresh_ollama, "MINE", ModelRecipe(source="mine", system="New", replace=True))
    assert fresh_ollama.model_names() == ["mine:latest"]
    assert fresh_ollama.call("POST", "/api/show", {"model": "mine"}).json()["system"] == "New"


@pytest.mark.parametrize("count", [2, 5])
def test_a_split_model_becomes_one_also_where_ollama_takes_no_parts(
    fresh_ollama: OllamaServer, tmp_path: Path, count: int
) -> None:
    """Given the parts as they are, 0.9.3 makes a model that ends the server when it is loaded."""
    parts = shards_of(tiny_gpt2(), tmp_path, count)
    run_create(fresh_ollama, "whole", ModelRecipe(files=[str(tiny_gpt2())]))
    reports = Reports()
    run_create(fresh_ollama, "merged", ModelRecipe(files=[str(parts[1])]), reports)
    assert reports.phases == ALL
    assert generate(fresh_ollama, "merged") == generate(fresh_ollama, "whole")
    weights = [blob for blob in (fresh_ollama.models_dir / "blobs").iterdir() if blob.stat().st_size > 500_000]
    assert len(weights) == 1, "put together, the parts are what they were before, byte by byte"
    assert read_gguf(weights[0]).metadata == read_gguf(tiny_gpt2()).metadata


def test_missing_parts_are_named(fresh_ollama: OllamaServer, tmp_path: Path) -> None:
    parts = shards_of(tiny_gpt2(), tmp_path, 4)
    parts[1].unlink()
    error = failure_of(fresh_ollama, "x", ModelRecipe(files=[str(parts[0])]))
    assert "model-00002-of-00004.gguf is not beside it" in error.message
    parts[3].unlink()
    parts[2].unlink()
    error = failure_of(fresh_ollama, "x", ModelRecipe(files=[str(parts[0])]))
    assert "and 1 more are not beside it" in error.message


def test_parts_of_different_models_are_told(fresh_ollama: OllamaServer, tmp_path: Path) -> None:
    parts = shards_of(tiny_gpt2(), tmp_path, 3)
    other = shards_of(write_gguf(tmp_path / "big.gguf", 600_000), tmp_path, 2, "other")
    parts[2].write_bytes(other[1].read_bytes())
    assert (
        "the others given are not all the rest"
        in failure_of(fresh_ollama, "x", ModelRecipe(files=[str(parts[0])])).message
    )


def test_a_projector_goes_beside_its_model(fresh_ollama: OllamaServer, tmp_path: Path) -> None:
    projector = typed_copy(tmp_path / "mmproj.gguf", "clip", {"general.type": "projector"})
    run_create(fresh_ollama, "sees", ModelRecipe(files=[str(projector), str(tiny_gpt2())]))
    shown = fresh_ollama.call("POST", "/api/show", {"model": "sees"}).json()
    assert "vision" in str(shown["capabilities"])
    error = failure_of(fresh_ollama, "x", ModelRecipe(files=[str(projector)]))
    assert "is only the part of a model that sees" in error.message


def test_an_adapter_changes_its_model_and_nothing_else_passes_for_one(
    fresh_ollama: OllamaServer, tmp_path: Path
) -> None:
    adapter = typed_copy(tmp_path / "lora.gguf", "gpt2", {"general.type": "adapter"})
    run_create(fresh_ollama, "base", ModelRecipe(files=[str(tiny_gpt2())]))
    run_create(fresh_ollama, "tuned", ModelRecipe(source="base", adapters=[str(adapter)]))
    shown = fresh_ollama.call("POST", "/api/show", {"model": "tuned"}).json()
    assert "\nADAPTER " in str(shown["modelfile"])
    for files, adapters in ([str(adapter)], []), ([str(tiny_gpt2())], [str(tiny_gpt2())]):
        failure_of(fresh_ollama, "x", ModelRecipe(files=files, adapters=adapters))
    second = copy_of(adapter, tmp_path, "second.gguf")
    error = failure_of(fresh_ollama, "x", ModelRecipe(source="base", adapters=[str(adapter), str(second)]))
    assert "Ollama takes one adapter for a model" in error.message


def typed_copy(path: Path, architecture: str, extra: dict[str, str], file_type: int = 0) -> Path:
    """The tiny model's file, said to be something else."""
    reader = gguf.GGUFReader(tiny_gpt2())
    writer = gguf.GGUFWriter(path, architecture)
    for key, value, kind, sub_kind in fields_of(reader):
        if key == "general.file_type":
            value = file_type
        writer.add_key_value(key, value, kind, sub_kind)
    for key, text in extra.items():
        writer.add_string(key, text)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_two_models_at_once_and_files_that_are_none_are_told(fresh_ollama: OllamaServer, tmp_path: Path) -> None:
    second = copy_of(tiny_gpt2(), tmp_path, "second.gguf")
    page = tmp_path / "page.gguf"
    page.write_text("<!DOCTYPE html><title>Models</title>")
    said = {
        "are two models; import one after the other": [str(tiny_gpt2()), str(second)],
        "is a web page, not a GGUF file": [str(page)],
        "can't be read (no such file or directory)": [str(tmp_path / "nothing.gguf")],
        "There is no model in the folder": [str(tmp_path / "empty")],
    }
    (tmp_path / "empty").mkdir()
    for words, files in said.items():
        assert words in failure_of(fresh_ollama, "x", ModelRecipe(files=files)).message


def test_a_folder_with_one_gguf_file_is_that_model(fresh_ollama: OllamaServer, tmp_path: Path) -> None:
    copy_of(tiny_gpt2(), tmp_path, "a:b\\c.gguf")
    (tmp_path / "README.md").write_text("About it")
    assert run_create(fresh_ollama, "x", ModelRecipe(files=[str(tmp_path)])).name == "x:latest"


def test_a_folder_of_safetensors_is_sent_whole_and_ollama_s_answer_told(
    fresh_ollama: OllamaServer, tmp_path: Path
) -> None:
    (tmp_path / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    failure = failure_of(fresh_ollama, "x", ModelRecipe(files=[str(tmp_path)]))
    assert "has no config.json beside its safetensors files" in failure.message
    (tmp_path / "config.json").write_text('{"architectures": ["NobodysModel"]}')
    failure = failure_of(fresh_ollama, "x", ModelRecipe(files=[str(tmp_path)]))
    assert "cannot convert the architecture NobodysModel" in failure.message
    failure = failure_of(fresh_ollama, "x", ModelRecipe(files=[str(tmp_path / "model.safetensors")]))
    assert "give the folder that it is in" in failure.message
    (tmp_path / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\n")
    failure = failure_of(fresh_ollama, "x", ModelRecipe(files=[str(tmp_path)]))
    assert "is a Git LFS pointer, not weights" in failure.message


def test_what_ollama_refuses_is_told_in_words(fresh_ollama: OllamaServer) -> None:
    run_create(fresh_ollama, "base", ModelRecipe(files=[str(tiny_gpt2())]))
    said = {
        "Ollama cannot read the template": ModelRecipe(source="base", template="{{ .Foo"),
        "knows no quantisation NONSENSE; it can make F32": ModelRecipe(source="base", quantize="nonsense"),
        "The model requires Ollama 99.0.0": ModelRecipe(source="base", requires="99.0.0"),
        "quantised already": ModelRecipe(files=[str(smollm2())], quantize="q8_0"),
    }
    for words, recipe in said.items():
        assert words in failure_of(fresh_ollama, "x", recipe).message


def test_a_file_that_is_changed_while_it_is_read_is_told(fresh_ollama: OllamaServer, tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "model.gguf", 12_000_000)

    def grow(report: InstallationReport) -> None:
        if report.phase is InstallationPhase.VERIFYING and report.fraction and not grown.is_set():
            grown.set()
            with path.open("ab") as file:
                file.write(b"more")

    grown = threading.Event()
    with pytest.raises(InstallationError, match="was changed while it was being read") as caught:
        run_create(fresh_ollama, "x", ModelRecipe(files=[str(path)]), Reports(grow))
    assert_clear(caught.value.message)
    assert fresh_ollama.model_names() == []


def test_a_model_that_came_while_files_were_sent_is_not_overwritten(fresh_ollama: OllamaServer, tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "model.gguf", 2_000_000)

    def come(report: InstallationReport) -> None:
        if report.phase is InstallationPhase.EXTRACTING and not fresh_ollama.model_names():
            create_model(fresh_ollama, "X", tiny_gpt2())
            came.append(fresh_ollama.call("GET", "/api/tags").body)

    came: list[bytes] = []
    with pytest.raises(InstallationError, match="There is a model X:latest already") as caught:
        run_create(fresh_ollama, "x", ModelRecipe(files=[str(path)]), Reports(come))
    assert_clear(caught.value.message)
    assert [fresh_ollama.call("GET", "/api/tags").body] == came


@pytest.mark.parametrize("phase", ALL[:2])
def test_cancelling_in_each_phase_leaves_nothing_open(
    fresh_ollama: OllamaServer, phase: InstallationPhase, tmp_path: Path
) -> None:
    big = write_gguf(tmp_path / "big.gguf", 60_000_000)
    parts = shards_of(big, tmp_path, 2) if phase is InstallationPhase.EXTRACTING else [big]

    async def cancel() -> None:
        reached = asyncio.Event()

        def look(report: InstallationReport) -> None:
            if report.phase is phase and (report.fraction or 0.0) > (0.1 if phase is ALL[0] else 0.5):
                reached.set()

        making = asyncio.create_task(create(fresh_ollama, "x", ModelRecipe(files=[str(parts[0])]), look))
        await asyncio.wait_for(reached.wait(), 60)
        making.cancel()
        with pytest.raises(asyncio.CancelledError):
            await making

    asyncio.run(cancel())
    here = {os.path.realpath(path) for path in parts}
    assert not here & {os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()}
    assert fresh_ollama.model_names() == []
    run_create(fresh_ollama, "x", ModelRecipe(files=[str(parts[0])]))


def test_a_server_that_dies_while_files_are_sent_is_told(fresh_ollama: OllamaServer) -> None:
    def kill(report: InstallationReport) -> None:
        if report.phase is InstallationPhase.EXTRACTING and report.bytes_done > 4_000_000 and fresh_ollama.running:
            fresh_ollama.kill()

    with pytest.raises(InstallationError) as caught:
        run_create(fresh_ollama, "x", ModelRecipe(files=[str(smollm2())]), Reports(kill))
    assert_clear(caught.value.message)
    assert caught.value.retryable
    fresh_ollama.start()
    run_create(fresh_ollama, "x", ModelRecipe(files=[str(smollm2())]))


def test_a_disk_that_is_too_small_is_told_before_anything_is_sent(small_disk: Path) -> None:
    with OllamaServer(models_dir=small_disk) as server:
        error = failure_of(server, "x", ModelRecipe(files=[str(tiny_gpt2())]))
        assert error.kind is InstallationErrorKind.DISK_FULL
        assert error.message.startswith("The models' disk has ")
        assert not any((small_disk / "blobs").iterdir())


def test_a_disk_that_becomes_full_while_files_are_sent_is_told(small_disk: Path) -> None:
    async def send(server: OllamaServer) -> OllamaError:
        async with OllamaClient(server.base_url) as client:
            with pytest.raises(OllamaError) as caught:
                await client.upload_blob(smollm2())
            return caught.value

    with OllamaServer(models_dir=small_disk) as server:
        told = creation_error(asyncio.run(send(server)))
        assert told.kind is InstallationErrorKind.DISK_FULL
        assert_clear(told.message)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    mounted = subprocess.run(options, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"mounting a tmpfs is not allowed here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("kind", ["file", "parts", "quantised", "derived", "adapter"])
def test_what_was_made_before_is_known_again_and_nothing_else_is(
    fresh_ollama: OllamaServer, tmp_path: Path, kind: str
) -> None:
    """The host has made it, and could not tell any more: the next try has the mark that the first one kept."""
    recipe = ModelRecipe(files=[str(tiny_gpt2())], system="Mine", parameters={"top_p": 0.25, "stop": ["a"]})
    run_create(fresh_ollama, "base", recipe)
    if kind == "parts":
        recipe = msgspec.structs.replace(recipe, files=[str(shards_of(tiny_gpt2(), tmp_path, 3)[0])])
    elif kind == "quantised":
        half = typed_copy(tmp_path / "half.gguf", "gpt2", {}, gguf.LlamaFileType.MOSTLY_F16)  # F32 is unknown to 0.9.3
        recipe = msgspec.structs.replace(recipe, files=[str(half)], quantize="q8_0")
    elif kind in ("derived", "adapter"):
        adapter = typed_copy(tmp_path / "lora.gguf", "gpt2", {"general.type": "adapter"})
        adapters = [str(adapter)] if kind == "adapter" else []
        recipe = ModelRecipe(source="base", system="Other", parameters={"seed": 3}, adapters=adapters)
    marks: list[CreationMark] = []
    made = run_create(fresh_ollama, "x", recipe, marks=marks)
    (mark,) = marks
    assert bool(mark.weights) is (kind != "quantised")
    reports = Reports()
    assert run_create(fresh_ollama, "x", recipe, reports, mark) == made
    assert reports.all == []
    failure_of(fresh_ollama, "x", recipe)
    for other in (ModelRecipe(source="x", system="Somebody else's"), ModelRecipe(source="x", parameters={"seed": 9})):
        run_create(fresh_ollama, "x", msgspec.structs.replace(other, replace=True))
        with pytest.raises(InstallationError, match="There is a model x:latest already"):
            run_create(fresh_ollama, "x", msgspec.structs.replace(recipe, parameters={"seed": 3}), mark=mark)


def test_what_a_creation_that_broke_off_has_left_without_weights_is_no_hindrance(fresh_ollama: OllamaServer) -> None:
    """0.9.3 makes such a model after it has said what is wrong; who asked for it may not be there any more."""
    fresh_ollama.call("POST", "/api/create", {"model": "x", "from": "127.0.0.1:9/no/such:1"})
    assert fresh_ollama.model_names() == ["x:latest"]
    recipe = ModelRecipe(files=[str(tiny_gpt2())])
    with pytest.raises(InstallationError, match="There is a model x:latest already"):
        run_create(fresh_ollama, "x", recipe)
    assert run_create(fresh_ollama, "x", recipe, mark=CreationMark()).family == "gpt2"
