"""The experimental features: the brief's five, their switches, prerequisites, and what is remembered."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecs_localai import (
    FeatureFlag,
    FeatureFlagToggled,
    FeatureToggle,
    FeatureToggleGroup,
    SpecificFeatureFlags,
    ToggleRequested,
    UIUpdateEvent,
    UIUpdateKind,
)
from ecs_localai.components.panel_view import ToggleRow
from tests.systems.systems_parts import Driven, assert_clear

DEFAULTS = {
    "auto_models": True,
    "chat_branching": True,
    "custom_providers": False,
    "mcp_http_servers": True,
    "ai_extensions_ollama": True,
}


def toggles(driven: Driven) -> dict[str, FeatureToggle]:
    """The toggles by feature."""
    return {toggle.feature_id: toggle for _, toggle in driven.app.world.query(FeatureToggle)}


def row(driven: Driven, feature_id: str) -> ToggleRow:
    """How the panel shows a feature."""
    [found] = [one for group in driven.view.features for one in group.toggles if one.feature_id == feature_id]
    return found


def states(driven: Driven) -> dict[str, bool]:
    """The flags; the toggles and the panel say the same."""
    flags = {feature_id: flag.enabled for feature_id, flag in driven.features.feature_flags.items()}
    assert {feature_id: toggle.current_state for feature_id, toggle in toggles(driven).items()} == flags
    assert {one.feature_id: one.on for group in driven.view.features for one in group.toggles} == flags
    return flags


def switch(driven: Driven, feature_id: str, on: bool) -> None:
    """Ask for it as a person does, and let everything settle."""
    driven.write(ToggleRequested(feature_id, on))
    for _ in range(4):
        driven.update()


def test_the_five_features_start_as_the_brief_has_them() -> None:
    with Driven() as driven:
        driven.update()
        assert states(driven) == DEFAULTS
        assert {name: getattr(SpecificFeatureFlags(), name) for name in DEFAULTS} == DEFAULTS
        assert driven.events(FeatureFlagToggled) == []


def test_every_feature_has_a_toggle_in_one_group() -> None:
    with Driven() as driven:
        driven.update()
        [(_, group)] = driven.app.world.query(FeatureToggleGroup)
        by_entity = dict(driven.app.world.query(FeatureToggle))
        assert [by_entity[entity].feature_id for entity in group.toggles] == list(DEFAULTS)
        for toggle in by_entity.values():
            style = toggle.toggle_style
            assert (style.active_color.hex, style.inactive_color.hex) == ("#007AFF", "#8E8E93")


def test_switching_reaches_flag_toggle_and_panel() -> None:
    with Driven() as driven:
        driven.update()
        driven.log.clear()
        switch(driven, "custom_providers", on=True)
        assert states(driven) == {**DEFAULTS, "custom_providers": True}
        assert driven.events(FeatureFlagToggled) == [
            FeatureFlagToggled("custom_providers", old_state=False, new_state=True, user_initiated=True)
        ]
        kind = UIUpdateKind.EXPERIMENTAL_FEATURE_CHANGED
        assert UIUpdateEvent(kind, feature_id="custom_providers", enabled=True) in driven.events(UIUpdateEvent)
        assert driven.features.user_preferences.overrides == {"custom_providers": True}
        assert driven.features.telemetry_collector.toggle_counts == {"custom_providers": 1}
        switch(driven, "custom_providers", on=False)
        assert states(driven) == DEFAULTS


def test_asking_for_what_is_so_already_does_nothing() -> None:
    with Driven() as driven:
        switch(driven, "auto_models", on=True)
        assert driven.events(FeatureFlagToggled) == []
        assert driven.notices() == []


def test_a_program_may_switch_too() -> None:
    """By writing the brief's event; that is not a person's preference."""
    with Driven() as driven:
        driven.update()
        driven.write(FeatureFlagToggled("chat_branching", old_state=True, new_state=False, user_initiated=False))
        driven.update()
        assert states(driven) == {**DEFAULTS, "chat_branching": False}
        assert driven.features.user_preferences.overrides == {}


def test_switching_off_takes_those_that_need_it_along() -> None:
    with Driven() as driven:
        switch(driven, "auto_models", on=False)
        assert states(driven) == {**DEFAULTS, "auto_models": False, "ai_extensions_ollama": False}
        assert driven.events(FeatureFlagToggled) == [
            FeatureFlagToggled("auto_models", old_state=True, new_state=False, user_initiated=True),
            FeatureFlagToggled("ai_extensions_ollama", old_state=True, new_state=False, user_initiated=False),
        ]
        shown = row(driven, "ai_extensions_ollama")
        assert not shown.can_change
        assert shown.description == "Switch on Auto models first."


def test_a_feature_whose_prerequisite_is_off_is_refused() -> None:
    """Nobody is told that it was switched, for it was not; a notice says what to do first."""
    with Driven() as driven:
        switch(driven, "auto_models", on=False)
        driven.log.clear()
        switch(driven, "ai_extensions_ollama", on=True)
        assert not states(driven)["ai_extensions_ollama"]
        assert driven.events(FeatureFlagToggled) == []
        [notice] = driven.notices()
        assert_clear(notice)
        assert "Auto models" in notice
        switch(driven, "auto_models", on=True)
        assert row(driven, "ai_extensions_ollama").can_change
        switch(driven, "ai_extensions_ollama", on=True)
        assert states(driven) == DEFAULTS


def test_a_program_cannot_go_round_the_prerequisites() -> None:
    with Driven() as driven:
        switch(driven, "auto_models", on=False)
        driven.write(FeatureFlagToggled("ai_extensions_ollama", old_state=False, new_state=True, user_initiated=False))
        driven.update()
        assert not states(driven)["ai_extensions_ollama"]
        assert len(driven.notices()) == 1


def test_a_chain_of_prerequisites_goes_off_to_its_end() -> None:
    """A host program's own feature, which needs one that needs another."""
    with Driven() as driven:
        own = FeatureFlag("own_feature", "Own", "A host's.", enabled=True, prerequisites=["ai_extensions_ollama"])
        driven.features.feature_flags["own_feature"] = own
        driven.update()
        switch(driven, "auto_models", on=False)
        assert states(driven) == {
            **DEFAULTS,
            "auto_models": False,
            "ai_extensions_ollama": False,
            "own_feature": False,
        }


def test_an_unknown_feature_is_a_notice() -> None:
    with Driven() as driven:
        switch(driven, "no_such_feature", on=True)
        [notice] = driven.notices()
        assert "no_such_feature" in notice
        assert states(driven) == DEFAULTS


@pytest.mark.parametrize("feature_id", list(DEFAULTS))
def test_a_switched_feature_is_kept_across_starts(feature_id: str, tmp_path: Path) -> None:
    with Driven(data_dir=tmp_path) as driven:
        switch(driven, feature_id, on=not DEFAULTS[feature_id])
        expected = states(driven)
    assert expected != DEFAULTS
    with Driven(data_dir=tmp_path) as driven:
        driven.update()
        assert states(driven) == expected
        assert driven.events(FeatureFlagToggled) == []
        switch(driven, feature_id, on=DEFAULTS[feature_id])
        expected = states(driven)
    with Driven(data_dir=tmp_path) as driven:
        driven.update()
        assert states(driven) == expected
