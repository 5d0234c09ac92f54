"""Modelfiles mean to us what they mean to Ollama's own command: both make a model, and the models are the same."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from ecs_localai.components.recipe import ModelRecipe, RecipeMessage
from ecs_localai.ollama.client import OllamaClient
from ecs_localai.ollama.modelfile import modelfile_of, parse_modelfile
from ecs_localai.ollama.wire_generation import Message
from tests.ollama.test_ollama_modelfile import texts
from tests.rig.ollama_server import OllamaServer

pytestmark = pytest.mark.ollama

_SHOWN = ("template", "system", "license", "messages")

MODELFILES = [
    "FROM tiny\nSYSTEM hello there  \n",
    'from tiny\nsystem """\n multi\n\n  line """\nPARAMETER stop "a b"\nPARAMETER stop c d\nparameter seed 3',
    'FROM tiny\nSYSTEM "one\ntwo"\nTEMPLATE {{ .System }} {{ .Prompt }}   # text\nLICENSE x\nLICENSE """y\nz"""',
    "FROM tiny\nMESSAGE user  two  blanks \nMESSAGE assistant yes: no\nMESSAGE system a\n",
    'FROM tiny\nPARAMETER temperature 1e-3\nPARAMETER num_ctx +512\nPARAMETER use_mmap T\nPARAMETER top_p "0.5"\n',
    'FROM tiny\nSYSTEM """a"quoted"b"""\nTEMPLATE """{{ .Prompt }}""" \n\n# end',
    "FROM tiny\nSYSTEM zero\u200bwidth\u00a0and\ttab\nPARAMETER num_predict -1",
    'FROM tiny\nSYSTEM ""\nPARAMETER stop ""\n',
]  # fmt: skip


def made_by_official(server: OllamaServer, text: str, folder: Path) -> dict[str, object] | None:
    """What Ollama's command makes of a Modelfile; None where it refuses."""
    path = folder / "Modelfile"
    path.write_text(text, encoding="utf-8", newline="")
    environment = {**os.environ, **server.program.environment, "OLLAMA_HOST": server.host_port}
    done = subprocess.run(
        [server.program.path, "create", "theirs", "-f", path],
        env=environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return shown(server, "theirs") if done.returncode == 0 else None


def made_by_us(server: OllamaServer, text: str, folder: Path) -> dict[str, object]:
    """What we make of it."""
    recipe = parse_modelfile(text, folder).recipe

    async def create() -> None:
        async with OllamaClient(server.base_url) as client:
            await client.create(
                "ours",
                source=recipe.source,
                template=recipe.template,
                system=recipe.system,
                license_texts=recipe.licenses,
                parameters=recipe.parameters,
                messages=[Message(role=one.role, content=one.content) for one in recipe.messages],
            )

    asyncio.run(create())
    return shown(server, "ours")


def shown(server: OllamaServer, name: str) -> dict[str, object]:
    """What a model says of itself; then it is deleted."""
    reply = server.call("POST", "/api/show", {"model": name}).json()
    server.delete(name)
    parameters = sorted(" ".join(line.split()) for line in str(reply.get("parameters", "")).splitlines())
    return {"parameters": parameters, **{key: reply.get(key) for key in _SHOWN}}


@pytest.mark.parametrize("text", MODELFILES)
def test_a_modelfile_makes_the_model_that_ollama_s_own_command_makes(
    ollama_server: OllamaServer, tmp_path: Path, text: str
) -> None:
    theirs = made_by_official(ollama_server, text, tmp_path)
    assert theirs is not None
    assert made_by_us(ollama_server, text, tmp_path) == theirs


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts, texts)
def test_what_we_write_is_read_by_ollama_s_own_command(
    ollama_server: OllamaServer, tmp_path: Path, system: str, message: str
) -> None:
    recipe = ModelRecipe(source="tiny:latest", system=system, messages=[RecipeMessage("user", message)])
    try:
        text = modelfile_of(recipe)
    except ValueError:
        return
    theirs = made_by_official(ollama_server, text, tmp_path)
    assert theirs is not None
    assert theirs["system"] == system or not system.strip()
    assert theirs["messages"] == [{"role": "user", "content": message}]
