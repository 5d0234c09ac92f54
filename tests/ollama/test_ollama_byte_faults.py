"""Real answers of every call, damaged at byte positions: a typed error or a valid reply, and never a hang.

The answers are recorded from the real server, then given again by a server that delays, cuts, half-closes, stalls or
corrupts them. A sample of the positions; with ``ECS_LOCALAI_FUZZ`` set (``make fuzz``) every one.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

import msgspec
import pytest

from ecs_localai.ollama import OllamaClient, OllamaError, PullSummary
from ecs_localai.ollama.wire_generation import Message
from tests.ollama.recorded_answers import Damage, Fault, Recorder, Replayer
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry

ALL = "ECS_LOCALAI_FUZZ" in os.environ

pytestmark = [pytest.mark.ollama, pytest.mark.timeout(0 if ALL else 120)]

SAMPLED = 8
"""Positions of each answer, besides those at its joints."""
MOST = 4000
"""Positions where every one is wanted: only the verbose description of a model has more bytes."""
AT_ONCE = 24
PATIENCE_S = 0.25
LONG_S = 20.0
HANG_S = 60.0
OPTIONS = {"num_predict": 4, "seed": 1, "temperature": 0}
BLOB = "sha256:246f240a8aa3c6302117fbc23346d173af60495d067433bf99e21f300c0f3925"


class Case(NamedTuple):
    """A call, given how long it may stand still, and the request whose answer is damaged."""

    call: Callable[[OllamaClient, float], Awaitable[object]]
    request: str


async def _pieces() -> AsyncIterator[bytes]:
    yield b"a small "
    yield b"blob"


CASES: dict[str, Case] = {
    "root": Case(lambda client, _: client.root(), "GET /"),
    "version": Case(lambda client, _: client.version(), "GET /api/version"),
    "tags": Case(lambda client, _: client.tags(), "GET /api/tags"),
    "ps": Case(lambda client, _: client.ps(), "GET /api/ps"),
    "features": Case(lambda client, _: client.features(), "HEAD /api/status"),
    "show": Case(lambda client, _: client.show("tiny"), "POST /api/show"),
    "show_verbose": Case(lambda client, _: client.show("tiny", verbose=True), "POST /api/show"),
    "show_missing": Case(lambda client, _: client.show("nope"), "POST /api/show"),
    "generate": Case(
        lambda client, s: client.generate("tiny", "Hello", options=OPTIONS, stall_timeout=s), "POST /api/generate"
    ),
    "chat": Case(
        lambda client, s: client.chat("tiny", [Message("user", "Hi")], options=OPTIONS, stall_timeout=s),
        "POST /api/chat",
    ),
    "load": Case(lambda client, s: client.load("tiny", stall_timeout=s), "POST /api/generate"),
    "unload": Case(lambda client, _: client.unload("tiny"), "POST /api/generate"),
    "embed": Case(lambda client, s: client.embed("tiny", ["a", "b"], stall_timeout=s), "POST /api/embed"),
    "embeddings": Case(lambda client, s: client.embeddings("tiny", "a", stall_timeout=s), "POST /api/embeddings"),
    "create": Case(
        lambda client, s: client.create("made:1", source="tiny", system="Short.", stall_timeout=s), "POST /api/create"
    ),
    "copy": Case(lambda client, _: client.copy("tiny", "copied:1"), "POST /api/copy"),
    "delete": Case(lambda client, _: client.delete("copied:1"), "DELETE /api/delete"),
    "blob_missing": Case(lambda client, _: client.blob_exists(BLOB), f"HEAD /api/blobs/{BLOB}"),
    "upload": Case(
        lambda client, s: client.upload_blob(_pieces(), BLOB, size=12, stall_timeout=s), f"POST /api/blobs/{BLOB}"
    ),
    "blob_exists": Case(lambda client, _: client.blob_exists(BLOB), f"HEAD /api/blobs/{BLOB}"),
    "status": Case(lambda client, _: client.status(), "GET /api/status"),
    "me": Case(lambda client, _: client.me(), "POST /api/me"),
    "signout": Case(lambda client, _: client.signout(), "POST /api/signout"),
    "web_search": Case(lambda client, s: client.web_search("x", stall_timeout=s), "POST /api/experimental/web_search"),
    "web_fetch": Case(
        lambda client, s: client.web_fetch("http://x", stall_timeout=s), "POST /api/experimental/web_fetch"
    ),
    "recommendations": Case(
        lambda client, _: client.model_recommendations(), "GET /api/experimental/model-recommendations"
    ),
}


def positions(name: str, answer: bytes) -> list[int]:
    """Where to damage an answer: everywhere, or at its joints and some places between them."""
    if ALL and len(answer) <= MOST:
        return list(range(len(answer)))
    body = answer.index(b"\r\n\r\n") + 4
    length = answer.lower().find(b"\r\ncontent-length: ")
    joints = {0, 1, 9, body - 1, body, body + 1, len(answer) // 2, len(answer) - 6, len(answer) - 2, len(answer) - 1}
    joints |= {length + 18} if 0 < length < body else set()
    wanted = MOST if ALL else SAMPLED
    between = random.Random(name).sample(range(len(answer)), min(wanted, len(answer)))
    return sorted({at for at in (*joints, *between) if 0 <= at < len(answer)})


Outcome = tuple[str, object]


async def outcome_of(case: Case, url: str, patience: float) -> Outcome:
    """What comes of a call: its value or its typed error. Anything else that is raised is the test's failure."""
    async with OllamaClient(url, connect_timeout=LONG_S, timeout=patience) as client:
        try:
            value = await asyncio.wait_for(case.call(client, patience), HANG_S)
        except OllamaError as error:
            return type(error).__name__, error.message
    if isinstance(value, PullSummary):
        value = msgspec.structs.replace(value, duration_s=0.0)
    return type(value).__name__, value


async def damaged(case: Case, answers: dict[str, bytes], damage: Damage, patience: float) -> Outcome:
    """The same over a damaged answer."""
    async with Replayer(answers, damage) as replayer:
        try:
            got = await outcome_of(case, replayer.base_url, patience)
        except Exception as error:
            error.add_note(f"{damage}: {answers[damage.request][: damage.position][-80:]!r}")
            raise
        # The address is in the messages, and each replayer has its own.
        return got[0], got[1].replace(str(replayer.port), "PORT") if isinstance(got[1], str) else got[1]


async def damage_everywhere(name: str, case: Case, answers: dict[str, bytes]) -> None:
    """Every fault at every position that is wanted."""
    whole = await damaged(case, answers, Damage(case.request, Fault.NONE, 0), LONG_S)
    places = positions(name, answers[case.request])

    async def check(fault: Fault, position: int) -> None:
        damage = Damage(case.request, fault, position)
        got = await damaged(case, answers, damage, LONG_S if fault is Fault.DELAY else PATIENCE_S)
        if fault is Fault.DELAY or (fault is not Fault.CORRUPT and not is_error(got) and not is_error(whole)):
            assert got == whole, damage

    at_once = asyncio.Semaphore(AT_ONCE)

    async def in_turn(fault: Fault, position: int) -> None:
        async with at_once:
            await check(fault, position)

    for fault in Fault:
        if fault is not Fault.NONE:
            async with asyncio.TaskGroup() as group:
                for position in places:
                    group.create_task(in_turn(fault, position))


def is_error(outcome: Outcome) -> bool:
    """Whether the outcome is an error."""
    return outcome[0] in ERRORS


def _names(base: type[OllamaError]) -> set[str]:
    return {base.__name__}.union(*(_names(kind) for kind in base.__subclasses__()))


ERRORS = _names(OllamaError)


async def record(server: OllamaServer, case: Case) -> dict[str, bytes]:
    """The real server's answers to the requests of a call."""
    async with Recorder(server.port) as recorder:
        async with OllamaClient(recorder.base_url) as client:
            await client.version()  # asked for where a path seems to be missing
        await outcome_of(case, recorder.base_url, LONG_S)
        assert case.request in recorder.answers
        return dict(recorder.answers)


@pytest.fixture
async def prepared(ollama_server: OllamaServer, request: pytest.FixtureRequest) -> AsyncIterator[OllamaServer]:
    """The shared server with what the case of this test needs, and afterwards without what it leaves."""
    name = request.node.callspec.params["name"]
    async with OllamaClient(ollama_server.base_url) as client:
        if name == "delete":
            await client.copy("tiny", "copied:1")
        if name == "ps":
            await client.load("tiny", keep_alive="5m")
        if name == "blob_exists":
            await client.upload_blob(_pieces(), BLOB, size=12)
        yield ollama_server
        await client.unload("tiny")
    for model in ("copied:1", "made:1"):
        ollama_server.delete(model)
    (ollama_server.models_dir / "blobs" / BLOB.replace(":", "-")).unlink(missing_ok=True)


@pytest.mark.parametrize("name", CASES)
async def test_damage_to_an_answer_is_a_typed_error_or_not_seen(prepared: OllamaServer, name: str) -> None:
    case = CASES[name]
    await damage_everywhere(name, case, await record(prepared, case))


@pytest.mark.registry
@pytest.mark.parametrize("what", ["push", "pull_present", "pull_fresh"])
async def test_damage_to_the_progress_of_a_transfer(
    ollama_server: OllamaServer, fresh_ollama: OllamaServer, registry: Registry, what: str
) -> None:
    server = fresh_ollama if what == "pull_fresh" else ollama_server
    model = registry.name_for("pushed:1" if what == "push" else "tiny:latest")
    pull = Case(lambda client, s: client.pull(model, insecure=True, stall_timeout=s), "POST /api/pull")
    push = Case(lambda client, s: client.push(model, insecure=True, stall_timeout=s), "POST /api/push")
    case = push if what == "push" else pull
    async with OllamaClient(server.base_url) as client:
        if what == "push":
            await client.copy("tiny", model)
        answers = await record(server, case)
    server.delete(model)
    await damage_everywhere(what, case, answers)
