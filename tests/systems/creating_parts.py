"""What the tests of making models share: the coroutine itself on a real Ollama, and its reports."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import gguf

from ecs_localai import ConnectionPool, InstallationPhase, InstalledModel, OllamaAPIClient
from ecs_localai.components.recipe import ModelRecipe
from ecs_localai.ollama.names import parse_model_name
from ecs_localai.systems.creating import create_model_on_ollama
from ecs_localai.systems.creation_mark import CreationMark
from ecs_localai.systems.host_clients import HostClients
from ecs_localai.systems.installation_report import InstallationReport
from tests.rig.ollama_server import OllamaServer
from tests.systems.systems_parts import config_for


class Reports:
    """Collects what is told of a creation, and checks what always has to hold."""

    def __init__(self, on_next: Callable[[InstallationReport], None] | None = None) -> None:
        self.all: list[InstallationReport] = []
        self.on_next = on_next

    def __call__(self, report: InstallationReport) -> None:
        if self.all:
            before = self.all[-1]
            assert (report.fraction or 0) >= (before.fraction or 0)
            assert report.bytes_done >= before.bytes_done
            assert report.total_bytes >= before.total_bytes
        assert report.fraction is None or report.fraction <= 1
        assert 0 <= report.bytes_present <= report.bytes_done <= report.total_bytes
        self.all.append(report)
        if self.on_next is not None:
            self.on_next(report)

    @property
    def phases(self) -> list[InstallationPhase]:
        """The phases, each once, in the order in which they came."""
        return list(dict.fromkeys(report.phase for report in self.all))


async def create(
    server: OllamaServer,
    name: str,
    recipe: ModelRecipe,
    reports: Callable[[InstallationReport], None],
    mark: CreationMark | None = None,
    marks: list[CreationMark] | None = None,
) -> InstalledModel:
    """Make a model on a server, and close the connection; `marks` gets what is to be kept for a retry."""
    clients = HostClients()
    api = OllamaAPIClient.for_host(config_for(server.port))
    try:
        kept = [] if marks is None else marks
        return await create_model_on_ollama(
            clients, api, ConnectionPool(), parse_model_name(name), recipe, reports, mark, kept.append
        )
    finally:
        await clients.close()


def run_create(
    server: OllamaServer,
    name: str,
    recipe: ModelRecipe,
    reports: Callable[[InstallationReport], None] | None = None,
    mark: CreationMark | None = None,
    marks: list[CreationMark] | None = None,
) -> InstalledModel:
    """The same, from a test that is no coroutine."""
    return asyncio.run(create(server, name, recipe, reports or Reports(), mark, marks))


def shards_of(source: Path, folder: Path, count: int, prefix: str = "model") -> list[Path]:
    """Split a real GGUF file as llama.cpp's ``gguf-split`` does: metadata in the first part, tensors in all."""
    reader = gguf.GGUFReader(source)
    share = -(-len(reader.tensors) // count)
    paths = []
    for number in range(count):
        path = folder / f"{prefix}-{number + 1:05}-of-{count:05}.gguf"
        writer = gguf.GGUFWriter(path, "gpt2")
        if number == 0:
            for key, value, kind, sub_kind in fields_of(reader):
                writer.add_key_value(key, value, kind, sub_kind)
        writer.add_uint16("split.no", number)
        writer.add_uint16("split.count", count)
        writer.add_int32("split.tensors.count", len(reader.tensors))
        for tensor in reader.tensors[number * share : (number + 1) * share]:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        paths.append(path)
    return paths


def fields_of(
    reader: gguf.GGUFReader,
) -> Iterator[tuple[str, object, gguf.GGUFValueType, gguf.GGUFValueType | None]]:
    """The metadata of a file, but for its architecture, which a writer adds itself."""
    for key, field in reader.fields.items():
        if key.startswith("GGUF.") or key == "general.architecture":
            continue
        sub_kind = field.types[-1] if field.types[0] is gguf.GGUFValueType.ARRAY else None
        yield key, field.contents(), field.types[0], sub_kind


def copy_of(source: Path, folder: Path, name: str) -> Path:
    """A copy in a test's folder."""
    path = folder / name
    shutil.copy(source, path)
    return path
