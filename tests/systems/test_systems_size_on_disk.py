"""What a host's models take on its disk: files that several of them have count once, on the panel as on the disk."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ecs_localai.components.deleting import HostStorage
from ecs_localai.components.models import InstalledModel
from ecs_localai.components.wording import format_bytes
from ecs_localai.systems.size_on_disk import size_on_disk
from tests.rig.model_files import create_model, write_gguf
from tests.rig.ollama_server import OllamaServer
from tests.systems.systems_parts import Driven

GB = 1_000_000_000


def model(name: str, size: int, digest: str = "", *, is_cloud: bool = False) -> InstalledModel:
    """An installed model."""
    made = datetime(2026, 1, 1, tzinfo=UTC)
    return InstalledModel(name, name, "latest", size, made, digest=digest or name, is_cloud=is_cloud)


@pytest.mark.ollama
def test_the_panel_says_what_the_folder_has(fresh_ollama: OllamaServer, tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "kin.gguf", 3_000_000)
    for name in ("kin:a", "kin:b", "kin:c"):
        create_model(fresh_ollama, name, file, system=f"You are {name}.")
    there = sum(blob.stat().st_size for blob in (fresh_ollama.models_dir / "blobs").iterdir())
    with Driven(fresh_ollama.port) as driven:
        driven.until(lambda: f"3 installed · {format_bytes(there)} on disk" in driven.view.summary)
        create_model(fresh_ollama, "alone:1", write_gguf(tmp_path / "alone.gguf", 2_000_000, seed=3))
        there = sum(blob.stat().st_size for blob in (fresh_ollama.models_dir / "blobs").iterdir())
        driven.until(lambda: f"4 installed · {format_bytes(there)} on disk" in driven.view.summary)
        assert there < 6_000_000


def test_where_nobody_knows_which_files_they_share_it_is_said_to_be_about_so_much() -> None:
    two = [model("a", 2 * GB), model("b", 1 * GB)]
    assert size_on_disk(two, None).text == "about 3 GB"
    assert size_on_disk(two, HostStorage()).text == "about 3 GB"
    of_another_time = HostStorage(total_bytes=2 * GB, digests=["a"])
    assert size_on_disk(two, of_another_time).text == "about 3 GB"
    assert size_on_disk(two, HostStorage(total_bytes=2 * GB, digests=["a", "b"])).text == "2 GB"


def test_one_model_is_what_it_is_and_copies_and_the_cloud_take_nothing() -> None:
    assert size_on_disk([model("a", 2 * GB), model("copy", 2 * GB, "a")], None).text == "2 GB"
    assert size_on_disk([model("a", 2 * GB), model("far", 300, is_cloud=True)], None).text == "2 GB"
    assert size_on_disk([model("far", 300, is_cloud=True)], None).text == ""
    assert size_on_disk([], HostStorage(total_bytes=0)).text == ""
