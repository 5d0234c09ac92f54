"""The tags of a model: listed by a real registry that lists them, else only those of the known ones that it has."""

from __future__ import annotations

import asyncio

import pytest

from ecs_localai.ollama import ModelName, parse_model_name
from ecs_localai.ollama.registry_look import RegistryLook
from ecs_localai.ollama.tag_names import TagNames, tags_of
from tests.rig.odd_servers import OddServer, closed_port
from tests.rig.registry import MANIFEST_TYPE, Registry

pytestmark = pytest.mark.registry


class NoTagLists(OddServer):
    """A way to a registry that hides its lists of tags, as Ollama's own has none."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        super().__init__()

    async def respond(self, method: str, path: str, writer: asyncio.StreamWriter) -> None:
        """404 for a list, the registry's own answer for all else."""
        if path.endswith("/tags/list"):
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 18\r\n\r\n")
            writer.write(b"404 page not found")
            return
        answer = await asyncio.to_thread(self._registry.call, method, path, None, {"Accept": MANIFEST_TYPE})
        length = len(answer.body)
        writer.write(f"HTTP/1.1 {answer.status} X\r\nContent-Length: {length}\r\n\r\n".encode() + answer.body)


async def _tags(name: ModelName, *known: str) -> TagNames:
    async with RegistryLook(lambda _: True) as look:
        return await tags_of(look, name, known)


async def test_a_registry_that_lists_its_tags(registry: Registry) -> None:
    found = await _tags(parse_model_name(registry.name_for("smollm2:nothing")))
    assert found == TagNames(["135m"], is_listed=True)


async def test_a_model_that_the_registry_does_not_have(registry: Registry) -> None:
    assert (await _tags(parse_model_name(registry.name_for("nosuch:1")))).tags == []


async def test_known_tags_are_asked_for_where_none_are_listed(registry: Registry) -> None:
    with NoTagLists(registry) as way:
        family = f"localhost:{way.port}/library/smollm2"
        name = parse_model_name(f"{family}:135m")
        found = await _tags(name, f"{family}:360m", f"{family.upper()}:1.7b", "smollm2:2b", "no name at all")
        assert found == TagNames(["135m"], is_listed=False)
        asked = {request.rpartition("/")[2] for request in way.requests if request.startswith("HEAD ")}
    assert asked == {"latest", "135m", "360m", "1.7b"}, "only what is known of this model, and latest"


async def test_a_registry_that_is_down_says_so() -> None:
    found = await _tags(parse_model_name(f"localhost:{closed_port()}/library/tiny:1"))
    assert found.tags == []
    assert "reached" in found.problem
