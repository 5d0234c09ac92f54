"""What people type for a server of OpenAI's API."""

from __future__ import annotations

import pytest

from ecs_localai.ollama.errors import InvalidHost
from ecs_localai.providers import parse_openai_address


@pytest.mark.parametrize(
    ("typed", "base_url"),
    [
        ("127.0.0.1:8080", "http://127.0.0.1:8080/v1"),
        ("localhost:1234", "http://localhost:1234/v1"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/v1"),
        ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
        ("http://127.0.0.1:8080/v1/", "http://127.0.0.1:8080/v1"),
        ("127.0.0.1:8080/v1/models", "http://127.0.0.1:8080/v1"),
        ("127.0.0.1:8080/v1/chat/completions", "http://127.0.0.1:8080/v1"),
        ("127.0.0.1:8080/v1/completions", "http://127.0.0.1:8080/v1"),
        ("127.0.0.1:8080/v1/embeddings/", "http://127.0.0.1:8080/v1"),
        ("127.0.0.1:8080/models", "http://127.0.0.1:8080/v1"),
        ("https://example.com", "https://example.com:443/v1"),
        ("https://example.com/llm", "https://example.com:443/llm/v1"),
        ("https://example.com/llm/v1", "https://example.com:443/llm/v1"),
        ("https://example.com/v1beta/openai", "https://example.com:443/v1beta/openai"),
        ("https://example.com/api/v3", "https://example.com:443/api/v3"),
        ("[::1]:8080/v1", "http://[::1]:8080/v1"),
        (":8080", "http://127.0.0.1:8080/v1"),
        ("", "http://127.0.0.1:11434/v1"),
    ],
)
def test_with_and_without_the_version(typed: str, base_url: str) -> None:
    address = parse_openai_address(typed)
    assert address.base_url == base_url
    assert address.root.base_url + address.api_path == base_url
    assert parse_openai_address(base_url) == address


def test_what_is_shown_to_people() -> None:
    assert parse_openai_address("127.0.0.1:8080/v1").display == "127.0.0.1:8080"
    assert parse_openai_address("https://example.com/llm/v1").display == "https://example.com/llm"


def test_what_is_no_address() -> None:
    with pytest.raises(InvalidHost):
        parse_openai_address("ftp://example.com/v1")
