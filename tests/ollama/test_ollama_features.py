"""Versions are read as they come, and what a server lacks is said in words."""

from __future__ import annotations

import pytest

from ecs_localai.ollama.address import parse_host
from ecs_localai.ollama.features import ENDPOINTS, PROBED, Feature, described, features_of, missing_call, parse_version
from tests.ollama.ollama_parts import assert_one_clear_sentence

NOWHERE = parse_host("127.0.0.1:11434")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0.9.3", (0, 9, 3)),
        ("v0.12.0-rc1", (0, 12, 0)),
        ("0.33.0-rc2-5-gfb30760", (0, 33, 0)),
        ("1.2", (1, 2, 0)),
        ("0.9.3+build.7", (0, 9, 3)),
        ("0.0.0", None),
        ("", None),
        ("newest", None),
        ("0.9x", None),
        ("٠.٩.٣", None),
        ("9" * 4000, None),
    ],
)
def test_versions(text: str, number: tuple[int, int, int] | None) -> None:
    assert parse_version(text) == number


def test_every_feature_is_described_with_a_version() -> None:
    for feature in Feature:
        about = described(feature)
        assert about.does
        assert parse_version(about.since) is not None
    for about in ENDPOINTS.values():
        assert parse_version(about.since) is not None


def test_a_version_tells_what_is_no_call_of_its_own() -> None:
    answered = dict.fromkeys(PROBED, False)
    old, new = features_of("0.9.3", answered), features_of("0.33.0", dict.fromkeys(PROBED, True))
    assert old.offers(Feature.THINKING) is True
    assert old.offers(Feature.DIMENSIONS) is False
    assert old.missing[Feature.DIMENSIONS] == "Ollama 0.9.3 can't shorten vectors, which it can since 0.11.11."
    assert new.missing == {}
    assert all(new.offered.values())


def test_a_version_of_ones_own_leaves_it_unknown() -> None:
    features = features_of("0.0.0", dict.fromkeys(PROBED, True))
    assert features.offers(Feature.STATUS) is True
    assert features.offers(Feature.THINKING) is None
    assert Feature.THINKING not in features.missing


@pytest.mark.parametrize(
    ("version", "words"),
    [("0.9.3", "update it to 0.16.2"), ("0.30.1", "let the proxy before it pass"), ("0.0.0", "update it to 0.16.2")],
)
def test_a_missing_call_is_too_new_or_hidden(version: str, words: str) -> None:
    error = missing_call(NOWHERE, "/api/status", version)
    assert words in error.message
    assert (error.since, error.version) == ("0.16.2", version)
    assert_one_clear_sentence(error)
