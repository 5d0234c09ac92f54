"""Calls that make a model work: generating, chatting, embedding, loading and unloading."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from .answers import ChatAnswer, GeneratedAnswer
from .calls import Calls
from .refusals import stream_error
from .requests import (
    ChatRequest,
    EmbeddingRequest,
    EmbedRequest,
    GenerateRequest,
    KeepAlive,
    Think,
    plain_dict,
)
from .retrying import Repeat
from .steps import Line, Step
from .wire_generation import (
    ChatReply,
    EmbedReply,
    GenerateReply,
    Message,
    Tool,
    ToolCall,
    decode_chat,
    decode_embed,
    decode_embedding,
    decode_generate,
)

__all__ = ["GenerationCalls"]

_L = TypeVar("_L", bound=Line)
ResponseFormat = str | Mapping[str, object]
"""``json``, or a JSON schema that the answer has to keep to (since 0.5)."""


class GenerationCalls(Calls):
    """A model's work has no bound of its own, for loading a big model may take minutes without a byte.

    ``stall_timeout`` is how many seconds may pass without anything new; None waits as long as it takes. A call that
    could not be sent, or that the server was too busy to begin, is repeated as the client's policy says. Cancelling
    one stops the server's work, too.
    """

    async def generate(
        self,
        model: str,
        prompt: str = "",
        *,
        suffix: str = "",
        system: str = "",
        template: str = "",
        raw: bool = False,
        images: Sequence[bytes] = (),
        context: Sequence[int] = (),
        response_format: ResponseFormat | None = None,
        think: Think | None = None,
        options: Mapping[str, object] | None = None,
        keep_alive: KeepAlive | None = None,
        truncate: bool | None = None,
        shift: bool | None = None,
        logprobs: bool = False,
        top_logprobs: int = 0,
        on_token: Callable[[str], None] | None = None,
        on_thinking: Callable[[str], None] | None = None,
        stall_timeout: float | None = None,
    ) -> GenerateReply:
        """Generate text, telling each piece to ``on_token``; the reply holds the whole of it.

        ``suffix`` is what has to follow the answer; ``system`` and ``template`` are used instead of the model's own,
        ``raw`` uses none; ``images`` are the bytes of picture files; ``context`` is that of an earlier reply.
        ``response_format`` is ``json`` or a JSON schema (since 0.5). ``think`` lets a model think (since 0.9), which is
        told to ``on_thinking``. ``truncate`` and ``shift`` (since 0.12.6) say what becomes of texts that are too long;
        ``logprobs`` and ``top_logprobs`` (since 0.12.11) ask how likely tokens were.

        Bound it by ``options={"num_predict": …}``: Ollama's default is without end. Cancelling stops
        the server too. Raises ModelNotFound, InvalidRequest.
        """
        request = GenerateRequest(
            model=model,
            prompt=prompt,
            suffix=suffix,
            system=system,
            template=template,
            raw=raw,
            images=list(images) or None,
            context=list(context) or None,
            response_format=_plain_format(response_format),
            think=think,
            options=plain_dict(options),
            keep_alive=keep_alive,
            truncate=truncate,
            shift=shift,
            logprobs=logprobs,
            top_logprobs=top_logprobs,
        )
        answer = GeneratedAnswer(on_token, on_thinking)
        await self._answer("/api/generate", request, decode_generate, answer.take, stall_timeout)
        return answer.whole()

    async def chat(
        self,
        model: str,
        messages: Sequence[Message],
        *,
        tools: Sequence[Tool | Mapping[str, object]] = (),
        response_format: ResponseFormat | None = None,
        think: Think | None = None,
        options: Mapping[str, object] | None = None,
        keep_alive: KeepAlive | None = None,
        truncate: bool | None = None,
        shift: bool | None = None,
        logprobs: bool = False,
        top_logprobs: int = 0,
        on_token: Callable[[str], None] | None = None,
        on_thinking: Callable[[str], None] | None = None,
        on_tool_call: Callable[[ToolCall], None] | None = None,
        stall_timeout: float | None = None,
    ) -> ChatReply:
        """Have a model go on with a conversation; the reply's message holds the whole of what it says.

        ``tools`` are what the model may use (JSON objects are passed on as they are); each wish to use one is told to
        ``on_tool_call``. The other arguments are those of `generate`. Raises ModelNotFound, InvalidRequest (a model
        without tools is one).
        """
        request = ChatRequest(
            model=model,
            messages=list(messages),
            tools=[tool if isinstance(tool, Tool) else dict(tool) for tool in tools] or None,
            response_format=_plain_format(response_format),
            think=think,
            options=plain_dict(options),
            keep_alive=keep_alive,
            truncate=truncate,
            shift=shift,
            logprobs=logprobs,
            top_logprobs=top_logprobs,
        )
        answer = ChatAnswer(on_token, on_thinking, on_tool_call)
        await self._answer("/api/chat", request, decode_chat, answer.take, stall_timeout)
        return answer.whole()

    async def _answer(
        self,
        path: str,
        request: GenerateRequest | ChatRequest,
        decode: Callable[[bytes], _L],
        take: Callable[[_L], Step],
        stall_timeout: float | None,
    ) -> None:
        await self._stream(
            path,
            request,
            decode,
            take,
            model=request.model,
            repeat=Repeat.UNTIL_TAKEN,
            stall_timeout=stall_timeout,
        )

    async def embed(
        self,
        model: str,
        texts: str | Sequence[str],
        *,
        truncate: bool | None = None,
        dimensions: int = 0,
        options: Mapping[str, object] | None = None,
        keep_alive: KeepAlive | None = None,
        stall_timeout: float | None = None,
    ) -> EmbedReply:
        """One vector of length 1 for each text. ``dimensions`` shortens them (since 0.11.11).

        With ``truncate=False`` a text too long for the model is refused instead of cut.
        Raises ModelNotFound, InvalidRequest.
        """
        request = EmbedRequest(
            model=model,
            input=texts if isinstance(texts, str) else list(texts),
            truncate=truncate,
            dimensions=dimensions,
            options=plain_dict(options),
            keep_alive=keep_alive,
        )
        reply = await self._ask(
            "/api/embed",
            decode_embed,
            request,
            model=model,
            repeat=Repeat.UNTIL_TAKEN,
            bounded=False,
            stall_timeout=stall_timeout,
        )
        if not reply.is_complete:
            raise self._not_ollama()
        return reply

    async def embeddings(
        self,
        model: str,
        prompt: str,
        *,
        options: Mapping[str, object] | None = None,
        keep_alive: KeepAlive | None = None,
        stall_timeout: float | None = None,
    ) -> list[float]:
        """The vector of one text, not normalised: Ollama's older call. Raises ModelNotFound, InvalidRequest."""
        request = EmbeddingRequest(model=model, prompt=prompt, options=plain_dict(options), keep_alive=keep_alive)
        reply = await self._ask(
            "/api/embeddings",
            decode_embedding,
            request,
            model=model,
            repeat=Repeat.UNTIL_TAKEN,
            bounded=False,
            stall_timeout=stall_timeout,
        )
        if not isinstance(reply.embedding, list):
            raise self._not_ollama()
        return reply.embedding

    async def load(
        self, model: str, keep_alive: KeepAlive | None = None, *, stall_timeout: float | None = None
    ) -> GenerateReply:
        """Load a model into memory, however long it takes; cancelling aborts the load.

        Without ``keep_alive`` a model that is loaded already keeps its last value (0.9.3).
        Raises ModelNotFound, InvalidRequest.
        """
        request = GenerateRequest(model=model, stream=False, keep_alive=keep_alive)
        return await self._finish(request, bounded=False, stall_timeout=stall_timeout)

    async def unload(self, model: str) -> GenerateReply:
        """Take a model out of memory; ``ps`` may list it for up to five seconds more.

        Raises ModelNotFound, InvalidRequest.
        """
        return await self._finish(GenerateRequest(model=model, stream=False, keep_alive=0), bounded=True)

    async def _finish(
        self, request: GenerateRequest, *, bounded: bool, stall_timeout: float | None = None
    ) -> GenerateReply:
        reply = await self._ask(
            "/api/generate",
            decode_generate,
            request,
            model=request.model,
            repeat=Repeat.UNTIL_TAKEN,
            bounded=bounded,
            stall_timeout=stall_timeout,
        )
        if isinstance(reply.error, str):
            raise stream_error(self._address, reply.error, request.model)
        if not reply.done:
            raise self._not_ollama()
        return reply


def _plain_format(wanted: ResponseFormat | None) -> str | dict[str, object] | None:
    return wanted if isinstance(wanted, str) or wanted is None else dict(wanted)
