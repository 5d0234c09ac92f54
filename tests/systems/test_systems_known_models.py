"""Names to choose from: those that are installed, were installed, or were seen in a registry."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecs_localai import ModelInstallationCompleted
from ecs_localai.ollama.wire_account import ModelRecommendation
from ecs_localai.systems.known_models import NameSources, known_names
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry
from tests.systems.systems_parts import Driven


def test_the_likeliest_come_first_and_each_once() -> None:
    names = known_names(
        NameSources(
            installed=[("here", ["old:1", "both:latest"]), ("there", ["both:latest"])],
            registry={"seen:1": 1_300_000_000, "both:latest": 5},
            before=["gone:7b", "OLD:1"],
            recommended=[ModelRecommendation(model="new:4b", description="A good one."), ModelRecommendation(model="")],
        )
    )
    assert [(one.name, one.detail) for one in names] == [
        ("new:4b", "recommended"),
        ("gone:7b", "installed before"),
        ("seen:1", "known from its registry · 1.3 GB"),
        ("both:latest", "on here, there · 5 B"),
        ("OLD:1", "on here"),
    ]
    assert names[0].note == "A good one."


def test_of_many_hosts_two_are_named() -> None:
    (one,) = known_names(NameSources([(host, ["a:1"]) for host in "xyz"], {}, [], []))
    assert one.detail == "on x, y and 1 more"


@pytest.mark.ollama
@pytest.mark.registry
def test_the_panel_is_offered_what_is_known(fresh_ollama: OllamaServer, registry: Registry, tmp_path: Path) -> None:
    name = registry.name_for("tiny:latest")
    with Driven(fresh_ollama.port, data_dir=tmp_path) as driven:
        driven.update()
        assert driven.view.completions == []
        driven.ask_for(name)
        driven.until_event(ModelInstallationCompleted)
        driven.until(lambda: [row.detail for row in driven.view.completions] == ["installed · 877 KB"])
        fresh_ollama.delete(name)
        driven.until(lambda: [row.detail for row in driven.view.completions] == ["installed before · 877 KB"])
    with Driven(fresh_ollama.port, data_dir=tmp_path) as driven:
        driven.until(lambda: [row.name for row in driven.view.completions] == [name])
