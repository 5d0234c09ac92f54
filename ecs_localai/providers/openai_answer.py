"""Puts a streamed answer together, and says which pieces are progress."""

from __future__ import annotations

import msgspec

from ecs_localai.ollama.errors import BadReply

from .event_stream import ServerEvent
from .openai_address import OpenAIAddress
from .openai_refusals import Said, error_in, not_this_protocol, said_in, stream_error
from .openai_wire import AnswerPart, Choice, Usage, decode_answer
from .provider import ChatReply

__all__ = ["AnswerGatherer"]


class AnswerGatherer:
    """One answer on its way, streamed or in one piece."""

    __slots__ = (
        "_address",
        "_finish_reason",
        "_model",
        "_model_answered",
        "_reasoning",
        "_text",
        "_usage",
        "begun",
        "ended",
    )

    def __init__(self, address: OpenAIAddress, model: str) -> None:
        self._address = address
        self._model = model
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._finish_reason: str | None = None
        self._usage: Usage | None = None
        self._model_answered: str | None = None
        self.begun = False
        """Whether anything of the answer has come."""
        self.ended = False
        """Whether the server has said that nothing more comes (``[DONE]``)."""

    def take(self, event: ServerEvent) -> tuple[str, bool]:
        """Add an event; return the text in it, and whether it brought the answer any further.

        Raises the error that the event tells, NotAnOllama, BadReply.
        """
        data = event.data.strip()
        if self.ended or not data:
            return "", False
        if data == b"[DONE]":
            self.ended = True
            return "", True
        if event.name == "error":
            said = said_in(event.data) or Said(event.data.decode(errors="replace").strip() or "no reason given")
            raise stream_error(self._address, said, self._model)
        return self._add(self._decoded(data), data)

    def take_whole(self, body: bytes, content_type: str) -> str:
        """Take an answer that was not streamed, though a stream was asked for; return its text."""
        try:
            part = decode_answer(body)
        except msgspec.MsgspecError as error:
            raise not_this_protocol(self._address, content_type, body) from error
        self.ended = True
        return self._add(part, body)[0]

    def reply(self) -> ChatReply:
        """The whole of it. Raises BadReply when the stream has ended before the answer did."""
        if not self.ended and self._finish_reason is None:
            # Ollama 0.9.3 ends like this when its runner dies: neither an error nor a last event.
            raise BadReply(
                f"{self._address.display} ended its answer too early; try again, or look into the server's log."
            )
        usage = self._usage or Usage()
        return ChatReply(
            text="".join(self._text),
            reasoning="".join(self._reasoning),
            finish_reason=self._finish_reason,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            model=self._model_answered,
        )

    def _add(self, part: AnswerPart, data: bytes) -> tuple[str, bool]:
        said = error_in(part.error)
        if said is None and part.choices is msgspec.UNSET and part.usage is None:
            said = said_in(data)
            if said is None:
                raise not_this_protocol(self._address, "", data)
        if said is not None:
            raise stream_error(self._address, said, self._model)
        if part.model:
            self._model_answered = part.model
        moved = False
        if part.usage is not None and part.usage.tells_something:
            self._usage = part.usage
            moved = True
        text = ""
        for choice in part.choices or ():
            if not choice.index:
                piece, further = self._add_choice(choice)
                text += piece
                moved = moved or further
        self.begun = self.begun or moved
        return text, moved

    def _add_choice(self, choice: Choice) -> tuple[str, bool]:
        message = choice.delta or choice.message
        text = choice.text or (message.text if message else "")
        thought = (message.reasoning_content or message.reasoning or "") if message else ""
        if text:
            self._text.append(text)
        if thought:
            self._reasoning.append(thought)
        if choice.finish_reason:
            self._finish_reason = choice.finish_reason
        return text, bool(text or thought or choice.finish_reason)

    def _decoded(self, data: bytes) -> AnswerPart:
        try:
            return decode_answer(data)
        except msgspec.DecodeError as error:
            said = said_in(data)
            if said is not None:
                raise stream_error(self._address, said, self._model) from error
            if _is_json(data):
                raise not_this_protocol(self._address, "", data) from error
            raise BadReply(
                f"{self._address.display} sent a piece of an answer that is broken; try again, or check the server.",
                detail=data[:200].decode(errors="replace"),
            ) from error


def _is_json(data: bytes) -> bool:
    try:
        msgspec.json.decode(data)
    except msgspec.DecodeError:
        return False
    return True
