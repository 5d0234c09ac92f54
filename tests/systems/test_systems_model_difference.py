"""The models of many hosts side by side: what each has, lacks, or has in another version, and how that is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ecs_localai import InstalledModel
from ecs_localai.systems.model_difference import difference_text, group_models, missing_installs

A, B, C = "http://a:11434", "http://b:11434", "http://c:11434"
NAMES = {A: "A", B: "B", C: "C"}
START = datetime(2025, 1, 1, tzinfo=UTC)


def model(name: str, digest: str = "1", day: int = 0) -> InstalledModel:
    """A model that was installed on this day."""
    date = START + timedelta(days=day)
    return InstalledModel(model_id=name, name=name, version="", size=1, install_date=date, digest=digest)


def on(*models: InstalledModel) -> dict[str, InstalledModel]:
    """What a host has, by name."""
    return {one.name: one for one in models}


def test_the_same_everywhere_differs_in_nothing() -> None:
    groups = group_models([(A, on(model("x:1"))), (B, on(model("x:1", day=5)))])
    assert [group.is_everywhere for group in groups] == [True]
    assert difference_text(groups, NAMES) == ""
    assert missing_installs(groups) == []


def test_what_is_missing_and_what_is_outdated_is_said_by_host() -> None:
    groups = group_models(
        [(A, on(model("x:1", "old"), model("y:1"), model("z:1"))), (B, on(model("x:1", "new", day=1)))],
    )
    assert [group.name for group in groups] == ["x:1", "y:1", "z:1"]
    assert groups[0].outdated_on == [A]
    assert groups[1].missing_on == [B]
    assert list(groups[0].on) == [A, B]
    assert difference_text(groups, {A: "A", B: "B"}) == "A has 1 outdated, B lacks 2"
    assert missing_installs(groups) == [("x:1", A), ("y:1", B), ("z:1", B)]
    assert missing_installs(groups, [B]) == [("y:1", B), ("z:1", B)]


def test_one_host_may_lack_some_and_have_others_outdated() -> None:
    groups = group_models([(A, on(model("x:1", "old"))), (B, on(model("x:1", "new", 1), model("y:1")))])
    assert difference_text(groups, NAMES) == "A lacks 1 and has 1 outdated"


def test_names_are_compared_without_regard_to_case() -> None:
    """Ollama keeps the case that a model was pulled with, and finds it by any."""
    (group,) = group_models([(A, on(model("Qwen:0.5B"))), (B, on(model("qwen:0.5b")))])
    assert group.is_everywhere
    assert group.name == "Qwen:0.5B"


def test_a_version_that_nobody_tells_is_not_outdated() -> None:
    """Servers of another protocol tell no digest."""
    (group,) = group_models([(A, on(model("x", ""))), (B, on(model("x", "new", 1)))])
    assert group.outdated_on == []


def test_one_host_alone_and_none_differ_in_nothing() -> None:
    assert group_models([]) == []
    groups = group_models([(A, on(model("x:1")))])
    assert difference_text(groups, NAMES) == ""
    assert difference_text([], {}) == ""


MODELS = st.lists(
    st.builds(model, st.sampled_from(["x:1", "X:1", "y:1", "z:2"]), st.sampled_from(["", "1", "2"]), st.integers(0, 3)),
    max_size=4,
).map(lambda models: {one.name.casefold(): one for one in models})


@given(st.lists(MODELS, max_size=5))
def test_what_is_missing_installed_leaves_nothing_missing(installed: list[dict[str, InstalledModel]]) -> None:
    """Installing all of it, the newest version of each, makes all hosts equal."""
    hosts = [(f"http://h{number}:1", models) for number, models in enumerate(installed)]
    groups = group_models(hosts)
    for group in groups:
        assert set(group.on) | set(group.missing_on) == {base_url for base_url, _ in hosts}
        assert not set(group.on) & set(group.missing_on)
        assert set(group.outdated_on) <= set(group.on)
    newest = {group.name: max(group.on.values(), key=lambda one: one.install_date) for group in groups}
    there = {base_url: dict(models) for base_url, models in hosts}
    for name, base_url in missing_installs(groups):
        there[base_url][name.casefold()] = newest[name]
    after = group_models([(base_url, there[base_url]) for base_url, _ in hosts])
    assert all(not group.missing_on for group in after)
    assert missing_installs(after) == []
