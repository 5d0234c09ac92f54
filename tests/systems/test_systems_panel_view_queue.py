"""What the panel says of what waits, in words."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from ecs_localai import InstallationPhase, InstallationProgress, InstallationStatus, ModelInstallation, WaitReason
from ecs_localai.components.installation import LayerProgress
from ecs_localai.components.registry import RegistryEntry, RegistryLayer
from ecs_localai.components.time_values import utc_now
from ecs_localai.systems.view_installations import installation_rows, moment_words, queue_view

NOON = datetime(2026, 11, 7, 12).astimezone()
HALF = InstallationProgress(1_200_000_000, 5_200_000_000)


def waiting(key: str, reason: WaitReason | None = WaitReason.TURN, **fields: object) -> ModelInstallation:
    """An installation that waits."""
    return ModelInstallation(f"{key}:latest", key, waits_for=reason, **fields)  # type: ignore[arg-type]  # named by tests


def detail(one: ModelInstallation, *others: ModelInstallation, names: dict[str, str] | None = None) -> str:
    """What its row says."""
    rows = installation_rows([one, *others], {}, names or {})
    return next(row.detail for row in rows if row.installation_id == one.installation_id)


def test_why_it_waits_is_said_in_words() -> None:
    assert detail(waiting("a")) == "Waiting for its turn"
    assert detail(waiting("a", progress=HALF)) == "Waiting for its turn · 1.2 of 5.2 GB"
    assert detail(waiting("a", WaitReason.HOST)) == "Waiting for Ollama to come back"
    away = waiting("a", WaitReason.HOST, host="http://b:11434")
    assert detail(away, names={"http://b:11434": "gpu-box"}) == "Waiting for gpu-box to come back"
    behind = waiting("a", WaitReason.SHARED_LAYER, waits_behind="b")
    assert detail(behind, waiting("b")) == "Waiting for b:latest, same file"
    elsewhere = ModelInstallation("hub.example/ada/story:1b", "b")
    assert detail(behind, elsewhere) == "Waiting for story:1b, same file"
    assert detail(waiting("a", WaitReason.ELSEWHERE)) == "Another program is fetching the same"
    paused = waiting("a", WaitReason.PAUSED, status=InstallationStatus.PAUSED)
    assert detail(paused) == "Paused"
    paused.progress = HALF
    assert detail(paused) == "Paused at 1.2 of 5.2 GB"
    paused.progress = InstallationProgress(5_190_000_000, 5_200_000_000)
    assert detail(paused) == "Paused at 99 % of 5.2 GB"


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (2, "Today at 14:00"),
        (11, "Today at 23:00"),
        (13, "Tonight at 01:00"),
        (17, "Tonight at 05:00"),
        (20, "Tomorrow at 08:00"),
        (40, "9 Nov 2026 at 04:00"),
        (-11, "Tonight at 01:00"),
    ],
)
def test_a_moment_is_said_as_people_say_it(hours: int, words: str) -> None:
    assert moment_words(NOON + timedelta(hours=hours), NOON) == words


def test_what_can_be_done_with_each_row() -> None:
    running = ModelInstallation("r", "r", InstallationStatus.DOWNLOADING)
    paused = waiting("p", WaitReason.PAUSED, status=InstallationStatus.PAUSED)
    tonight = waiting("t", WaitReason.SCHEDULED, not_before=utc_now() + timedelta(hours=9))
    done = ModelInstallation("d", "d", InstallationStatus.COMPLETED)
    rows = installation_rows([done, tonight, waiting("w"), paused, running], {}, {}, ["p", "w", "t"])
    facts = {row.installation_id: (row.can_pause, row.can_resume, row.can_move_up, row.can_move_down) for row in rows}
    assert facts == {
        "r": (True, False, False, False),
        "p": (False, True, False, True),
        "w": (True, False, True, True),
        "t": (True, True, True, False),
        "d": (False, False, False, False),
    }
    assert [row.installation_id for row in rows] == ["r", "p", "w", "t", "d"]
    assert [row.icon for row in rows] == ["", "pause", "", "moon", ""]


def test_what_is_fetched_again_stands_apart() -> None:
    one = ModelInstallation("r", "r", InstallationStatus.DOWNLOADING, refetched_bytes=1_300_000_000)
    one.progress = InstallationProgress(2_000_000_000, 5_200_000_000, rolled_back_bytes=40_000_000)
    assert installation_rows([one], {}, {})[0].again_text == "fetching 40 MB again"
    one.progress = HALF
    assert installation_rows([one], {}, {})[0].again_text == "1.3 GB had to be fetched again"
    one.status = InstallationStatus.COMPLETED
    assert installation_rows([one], {}, {})[0].again_text == "1.3 GB had to be fetched again"


def test_each_file_is_called_what_it_is() -> None:
    digests = [f"sha256:{letter * 64}" for letter in "abcd"]
    kinds = ["vnd.ollama.image.model", "vnd.ollama.image.license", "vnd.docker.container.image.v1+json"]
    layers = [RegistryLayer(digest, 1, f"application/{kind}") for digest, kind in zip(digests, kinds, strict=False)]
    one = ModelInstallation("m:latest", "m", InstallationStatus.DOWNLOADING)
    one.layers = [
        LayerProgress(digests[0], 5_200_000_000, 1_200_000_000),
        LayerProgress(digests[1], 12_000, 12_000, is_done=True),
        LayerProgress(digests[2], 484),
        LayerProgress(digests[3], 0, 0),
    ]
    registry = {"m:latest": RegistryEntry("m:latest", "d", layers, utc_now())}
    (row,) = installation_rows([one], {}, {}, (), registry)
    assert [(one.label, one.text) for one in row.layers] == [
        ("Weights", "1.2 of 5.2 GB"),
        ("Licence", "12 KB, complete"),
        ("Configuration", "484 B, not begun"),
        ("d" * 12, "0 B, not begun"),
    ]


def test_the_queue_as_a_whole() -> None:
    running = ModelInstallation("r", "r", InstallationStatus.DOWNLOADING, HALF)
    paused = waiting("p", status=InstallationStatus.PAUSED, progress=HALF)
    done = ModelInstallation("d", "d", InstallationStatus.COMPLETED)
    assert queue_view([], 3).summary == queue_view([running, done], 3).summary == ""
    view = queue_view([running, paused, done], 3)
    assert (view.summary, view.at_once) == ("1 running, 1 paused · 8 GB left", 3)
    assert (view.can_pause_all, view.can_resume_all) == (True, True)
    assert queue_view([running, waiting("w")], 2).summary == "1 running, 1 waiting · at least 4 GB left"
    assert queue_view([paused], 2).can_pause_all is False
    assert InstallationPhase.PAUSED in {one.status.kind for one in (paused, running)}
