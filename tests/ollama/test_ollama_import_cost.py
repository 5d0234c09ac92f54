"""The client costs nothing until it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import ecs_localai.ollama", "aiohttp msgspec asyncio ssl"),
        ("from ecs_localai.ollama import parse_model_name, parse_host, OllamaError", "aiohttp msgspec asyncio ssl"),
        ("from ecs_localai.ollama import OllamaClient, fetch_manifest; OllamaClient('localhost')", "aiohttp"),
    ],
)
def test_heavy_modules_wait_for_the_first_request(code: str, absent: str) -> None:
    """More heavy modules than the package above it has loaded already."""
    check = (
        f"import sys, ecs_localai; before = set(sys.modules); {code};"
        f"print([name for name in {absent.split()} if name in sys.modules and name not in before])"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_everything_promised_is_there() -> None:
    import ecs_localai.ollama as package

    for name in package.__all__:
        assert getattr(package, name).__name__ == name
    with pytest.raises(AttributeError, match="nothing_of_this_name"):
        _ = getattr(package, "nothing_of_this_name")  # noqa: B009 - the attribute is not there, which is the point
