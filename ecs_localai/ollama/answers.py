"""An answer put together from the lines in which it comes."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import structs

from .steps import Step
from .wire_generation import ChatReply, GenerateReply, Logprob, Message, ToolCall

__all__ = ["ChatAnswer", "GeneratedAnswer"]

Tell = Callable[[str], None] | None


class _Answer:
    """The text and the thoughts of an answer, told as they come."""

    def __init__(self, on_token: Tell, on_thinking: Tell) -> None:
        self._on_token = on_token
        self._on_thinking = on_thinking
        self._said: list[str] = []
        self._thought: list[str] = []
        self._logprobs: list[Logprob] = []

    def _add(self, text: str, thinking: str, logprobs: list[Logprob] | None, done: bool) -> Step:
        if thinking:
            self._thought.append(thinking)
            if self._on_thinking is not None:
                self._on_thinking(thinking)
        if text:
            self._said.append(text)
            if self._on_token is not None:
                self._on_token(text)
        if logprobs:
            self._logprobs += logprobs
        if done:
            return Step.DONE
        return Step.MOVED if text or thinking else Step.STILL


class GeneratedAnswer(_Answer):
    """The answer of ``/api/generate``."""

    def __init__(self, on_token: Tell, on_thinking: Tell) -> None:
        super().__init__(on_token, on_thinking)
        self._last = GenerateReply()

    def take(self, line: GenerateReply) -> Step:
        """Take in a line."""
        self._last = line
        return self._add(line.response, line.thinking, line.logprobs, line.done)

    def whole(self) -> GenerateReply:
        """The last line, which has the measurements, with everything that came before it."""
        return structs.replace(
            self._last,
            response="".join(self._said),
            thinking="".join(self._thought),
            logprobs=self._logprobs or None,
        )


class ChatAnswer(_Answer):
    """The answer of ``/api/chat``."""

    def __init__(self, on_token: Tell, on_thinking: Tell, on_tool_call: Callable[[ToolCall], None] | None) -> None:
        super().__init__(on_token, on_thinking)
        self._on_tool_call = on_tool_call
        self._calls: list[ToolCall] = []
        self._last = ChatReply()

    def take(self, line: ChatReply) -> Step:
        """Take in a line."""
        self._last = line
        message = line.message
        for call in message.tool_calls or ():
            self._calls.append(call)
            if self._on_tool_call is not None:
                self._on_tool_call(call)
        step = self._add(message.content, message.thinking, line.logprobs, line.done)
        return Step.MOVED if step is Step.STILL and message.tool_calls else step

    def whole(self) -> ChatReply:
        """The last line, which has the measurements, with everything that came before it."""
        message = Message(
            role=self._last.message.role or "assistant",
            content="".join(self._said),
            thinking="".join(self._thought),
            tool_calls=self._calls or None,
        )
        return structs.replace(self._last, message=message, logprobs=self._logprobs or None)
