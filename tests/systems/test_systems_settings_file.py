"""Settings as a file: it comes back equal, what is wrong in it is said, and taking it over changes what was planned."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import cast

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecs_localai import (
    HostOrigin,
    OllamaAuth,
    OllamaConfiguration,
)
from ecs_localai.components.features import RolloutConfiguration
from ecs_localai.components.panel import PanelSettings, ThemeChoice
from ecs_localai.systems.saved_hosts import SavedHost
from ecs_localai.systems.settings_file import (
    SECTIONS,
    SettingsFile,
    SettingsFileError,
    read_settings_file,
    without_left_out,
    write_settings_file,
)
from tests.components.component_strategies import FEATURE_IDS, MOMENTS, instances
from tests.systems.test_systems_saved_hosts import LISTS, as_kept

SECRET = "s3cret-7f1d"


def sections(name: str) -> st.SearchStrategy[object]:
    """Any value of a section as a file has it, or none."""
    return st.none() | instances(SECTIONS[name]).map(lambda value: without_left_out(name, value))


def host_lists() -> st.SearchStrategy[list[SavedHost]]:
    """Lists as they are kept: without secrets, one default."""
    return LISTS.filter(lambda hosts: all(host.name.strip() and host.name.isprintable() for host in hosts)).map(as_kept)


def settings_files() -> st.SearchStrategy[SettingsFile]:
    """Any settings file."""
    return st.builds(
        SettingsFile,
        exported_at=st.none() | MOMENTS,
        hosts=st.none() | host_lists(),
        features=st.none() | st.dictionaries(FEATURE_IDS, st.booleans(), max_size=4),
        **{name: sections(name) for name in SECTIONS},
    )


def file_with(**sections: object) -> str:
    """The text of a settings file."""
    return json.dumps({"format": "ecs-localai settings", "version": 1, **sections})


def host(name: str, address: str, **changes: object) -> SavedHost:
    """A host of the list."""
    return msgspec.structs.replace(SavedHost(name, OllamaConfiguration(host=address)), **changes)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(settings_files())
def test_any_settings_come_back_equal(given: SettingsFile) -> None:
    text = write_settings_file(given)
    assert read_settings_file(text) == given
    assert read_settings_file(text.encode()) == given
    assert write_settings_file(read_settings_file(text)) == text


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60))
def test_no_text_raises_anything_but_our_own_exception(text: bytes | str) -> None:
    with pytest.raises(SettingsFileError):
        read_settings_file(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(st.sampled_from(["exported_at", "hosts", "features", *SECTIONS, "else"]), JSON, max_size=3))
def test_any_content_is_read_or_refused_with_sentences(content: dict[str, object]) -> None:
    try:
        read = read_settings_file(file_with(**content))
    except SettingsFileError as error:
        sentences = error.problems
    else:
        sentences = (*read.warnings, "It is read.")
    assert sentences
    assert all(sentence.endswith(".") for sentence in sentences)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "This is no JSON: Input data was truncated."),
        ('{"format": "x",\n "a": nope}', "This is no JSON: invalid character, in line 2, column 11."),
        ("[]", "This is no settings file: an object belongs here"),
        ("{}", "its format should be 'ecs-localai settings'"),
        ('{"format": "ecs-localai world", "version": 1}', "This is a saved world, not settings."),
        ('{"format": "ecs-localai settings"}', "version: the number of the format's version belongs here"),
        ('{"format": "ecs-localai settings", "version": true}', "version: the number"),
        ('{"format": "ecs-localai settings", "version": 2}', "of version 2, which a newer ecs-localai has written"),
        (file_with(panel={"theme": "pink"}), "panel.theme: Invalid enum value 'pink'."),
        (file_with(panel={"scale": 99}), "panel: The scale must be from 0.5 to 6.0, not 99.0."),
        (file_with(panel=[]), "panel: Expected `object`, got `array`."),
        (file_with(features={"auto_models": 1}), "features.auto_models: true or false belongs here."),
        (file_with(features={"Auto Models": True}), "features: A feature's id is made of lower-case letters"),
        (file_with(hosts={}), "hosts: a list belongs here."),
        (file_with(hosts=[{"name": "a", "config": {}}, {"config": {}}]), "hosts[1]: Object missing required field"),
        (file_with(hosts=[{"name": "a", "config": {"port": "x"}}]), "hosts[0].config.port: Expected `int`, got `str`."),
        (file_with(hosts=[{"name": "a", "config": {"port": 0}}]), "hosts[0].config: A port is a number from 1 to"),
        (file_with(hosts=[{"name": "\n", "config": {}}]), "hosts[0].name: a host's name is one line of text."),
        (
            file_with(hosts=[{"name": "a", "config": {}}, {"name": "A", "config": {}}]),
            "hosts: 2 of them are called 'a'.",
        ),
        (
            file_with(hosts=[{"name": name, "config": {}, "is_default": True} for name in "ab"]),
            "hosts: only one of them can have is_default.",
        ),
        (file_with(exported_at="yesterday"), "exported_at: Invalid RFC3339 encoded datetime."),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, said: str) -> None:
    with pytest.raises(SettingsFileError) as caught:
        read_settings_file(text)
    assert said in str(caught.value)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(SettingsFileError) as caught:
        read_settings_file(file_with(panel={"theme": 1}, rollout={"respect_percentages": "no"}, hosts=[{}]))
    assert len(caught.value.problems) == 3


def test_what_is_unknown_is_named_and_passed_over() -> None:
    read = read_settings_file(
        file_with(
            colour="red",
            panel={"theme": "dark", "blink": True},
            hosts=[{"name": "a", "config": {"authentication": {"kind": "Bearer", "bearer_token": SECRET}}}],
            rollout={"seed": "abc"},
        )
    )
    assert read.panel == PanelSettings(ThemeChoice.DARK)
    assert [one.partition(":")[0] for one in read.warnings] == [
        "colour",
        "hosts[0].config.authentication.bearer_token",
        "panel.blink",
        "rollout.seed",
    ]
    assert SECRET not in repr(read) + "".join(read.warnings)


def test_a_mark_at_the_beginning_and_sections_that_are_null_are_nothing_wrong() -> None:
    read = read_settings_file(b"\xef\xbb\xbf" + file_with(panel=None, hosts=None).encode())
    assert read == SettingsFile()


def test_secrets_and_what_tells_this_computer_from_others_are_not_written() -> None:
    auth = OllamaAuth.bearer(SECRET)
    text = write_settings_file(
        SettingsFile(
            hosts=[SavedHost("a", OllamaConfiguration(authentication=auth))],
            rollout=RolloutConfiguration(seed="a-seed-of-this-computer"),
        )
    )
    assert SECRET not in text
    assert "a-seed" not in text
    assert read_settings_file(text).rollout == RolloutConfiguration()


def test_hosts_of_one_run_are_there_to_stay_once_they_are_in_a_file() -> None:
    read = read_settings_file(file_with(hosts=[{"name": "a", "config": {}, "origin": "environment"}]))
    assert read.hosts is not None
    assert read.hosts[0].origin is HostOrigin.ADDED


def test_every_section_has_a_name_for_people() -> None:
    from ecs_localai.systems.settings_words import TITLES, facts

    assert set(TITLES) == {"hosts", "features", *SECTIONS}
    for kind in SECTIONS.values():
        made = cast("Callable[[], object]", kind)()
        assert all(text for text in facts(made).values())
