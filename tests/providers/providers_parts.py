"""What the tests of the providers share."""

from __future__ import annotations

from pathlib import Path

from ecs_localai.ollama.errors import OllamaError
from ecs_localai.providers import ChatMessage, ChatOptions, ChatRole

RECORDED = Path(__file__).with_name("recorded")
"""Bodies of real answers (see ``recorded/README.md``)."""

HELLO = [ChatMessage(ChatRole.USER, "hi")]
SHORT = ChatOptions(max_tokens=4)
LONG = ChatOptions(max_tokens=20_000)
"""So long that a test can do something in the middle."""


def assert_clear(error: OllamaError) -> None:
    """A failure's message is one sentence for people, and gives no advice about Ollama."""
    message = error.message
    assert message.endswith("."), message
    assert "\n" not in message
    assert ". " not in message, message
    assert 20 < len(message) < 260, message
    assert ";" in message, message
    for odd in ("Ollama", "Traceback", "Errno", "aiohttp", "None", "0x"):
        assert odd not in message, message
