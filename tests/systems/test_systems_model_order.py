"""The order of the models on the panel: by each key, both ways, over one host and several."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_localai.components.models import InstalledModel, LoadedModel, LocalModelManager
from ecs_localai.components.panel import ModelSort, PanelSettings
from ecs_localai.systems.model_order import in_order
from ecs_localai.systems.seen_hosts import see_hosts
from ecs_localai.systems.view_model_places import ModelPlaces
from ecs_localai.systems.view_models import model_rows
from tests.systems.test_systems_panel_view_hosts import host

NEW_YEAR = datetime(2026, 1, 1, 12, tzinfo=UTC)


def model(name: str, size: int | None = 1, day: int = 0, used: int | None = None) -> InstalledModel:
    """A model of this size, installed and used so many days after New Year."""
    last_used = None if used is None else NEW_YEAR + timedelta(days=used)
    return InstalledModel(name, name, "latest", size, NEW_YEAR + timedelta(days=day), last_used)


MODELS = [
    model("beta", 30, day=4),
    model("Alpha", 20, day=9, used=1),
    model("gamma", None, day=1, used=6),
    model("delta", 20, day=4),
]


def names(settings: PanelSettings, models: list[InstalledModel], loaded: str = "") -> list[str]:
    """The names of the models in this order."""
    ordered = in_order(models, settings, lambda one: (one,), lambda one: one.name == loaded)
    return [one.name for one in ordered]


@pytest.mark.parametrize(
    ("by", "natural", "turned"),
    [
        (ModelSort.NAME, ["Alpha", "beta", "delta", "gamma"], ["gamma", "delta", "beta", "Alpha"]),
        (ModelSort.SIZE, ["beta", "Alpha", "delta", "gamma"], ["Alpha", "delta", "beta", "gamma"]),
        (ModelSort.MODIFIED, ["Alpha", "beta", "delta", "gamma"], ["gamma", "beta", "delta", "Alpha"]),
        (ModelSort.LAST_USED, ["gamma", "Alpha", "beta", "delta"], ["Alpha", "gamma", "beta", "delta"]),
    ],
)
def test_each_order_both_ways_with_the_unknown_at_the_end(by: ModelSort, natural: list[str], turned: list[str]) -> None:
    assert names(PanelSettings(model_sort=by), MODELS) == natural
    assert names(PanelSettings(model_sort=by, sort_reversed=True), MODELS) == turned


def test_what_is_loaded_is_in_use_now() -> None:
    assert names(PanelSettings(), MODELS, "delta") == ["delta", "gamma", "Alpha", "beta"]
    assert names(PanelSettings(model_sort=ModelSort.SIZE), MODELS, "delta")[0] == "beta"


def test_a_model_that_runs_elsewhere_has_no_size_of_its_own() -> None:
    cloud = model("cloud", 900)
    cloud.is_cloud = True
    assert names(PanelSettings(model_sort=ModelSort.SIZE), [cloud, *MODELS])[-2:] == ["cloud", "gamma"]


@given(
    st.lists(
        st.builds(
            model,
            st.text("abAB", min_size=1, max_size=3),
            st.none() | st.integers(0, 3),
            st.integers(0, 3),
            st.none() | st.integers(0, 3),
        )
    ),
    st.sampled_from(ModelSort),
    st.booleans(),
)
def test_the_order_does_not_depend_on_how_they_came(models: list[InstalledModel], by: ModelSort, turned: bool) -> None:
    distinct = list({one.name.casefold(): one for one in models}.values())
    settings = PanelSettings(model_sort=by, sort_reversed=turned)
    ordered = names(settings, distinct)
    assert sorted(ordered) == sorted(one.name for one in distinct)
    assert names(settings, list(reversed(distinct))) == ordered
    assert names(settings, [one for name in ordered for one in distinct if one.name == name]) == ordered


def test_of_a_model_on_several_hosts_the_largest_the_newest_and_the_latest_use_count() -> None:
    here, there = host("here", default=True), host("there")
    here.models.installed = {"big": model("big", 10, day=2, used=2), "small": model("small", 5, day=5, used=3)}
    there.models.installed = {"small": model("small", 40, day=1), "big": model("big", 1, day=9, used=8)}
    places = ModelPlaces(see_hosts([here, there]))
    orders = {by: [row.name for row in places.rows(PanelSettings(model_sort=by))] for by in ModelSort}
    assert orders == {
        ModelSort.NAME: ["big", "small"],
        ModelSort.SIZE: ["small", "big"],
        ModelSort.MODIFIED: ["big", "small"],
        ModelSort.LAST_USED: ["big", "small"],
    }
    here.models.loaded["small"] = LoadedModel("small", "", 10, 10, pinned=True)
    assert [row.name for row in ModelPlaces(see_hosts([here, there])).rows()] == ["small", "big"]


def test_the_day_that_they_are_in_order_of_can_be_read() -> None:
    models = LocalModelManager()
    models.installed_models = {one.name: one for one in MODELS}

    def subtitles(by: ModelSort) -> dict[str, str]:
        return {row.name: row.subtitle for row in model_rows(models, {}, PanelSettings(model_sort=by))}

    assert subtitles(ModelSort.NAME)["Alpha"] == ""
    assert subtitles(ModelSort.MODIFIED)["Alpha"] == "changed 10 Jan 2026"
    assert subtitles(ModelSort.LAST_USED) == {
        "gamma": "used 7 Jan 2026", "Alpha": "used 2 Jan 2026", "beta": "", "delta": "",
    }  # fmt: skip
    models.loaded_models = {"gamma": LoadedModel("gamma", "", 10, 10, pinned=True)}
    assert subtitles(ModelSort.LAST_USED)["gamma"] == ""  # its pill says that it is loaded
