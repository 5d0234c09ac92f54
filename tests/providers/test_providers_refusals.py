"""Every way in which servers of the protocol say no, as one clear sentence of the right type.

The bodies are those of Ollama 0.9.3 and llama.cpp b10434 as seen, and of vLLM's, LM Studio's and FastAPI's sources and
documentation.
"""

from __future__ import annotations

import pytest

from ecs_localai.ollama.errors import (
    ErrorKind,
    HostForbidden,
    HostUnreachable,
    InvalidRequest,
    ModelNotFound,
    NotAnOllama,
    OllamaError,
    ServerFailure,
    Unauthorized,
)
from ecs_localai.providers import parse_openai_address
from ecs_localai.providers.openai_refusals import refusal
from tests.providers.providers_parts import assert_clear

REFUSALS: list[tuple[int, bytes, type[OllamaError], str]] = [
    (
        404,
        b'{"error":{"message":"model \\"x\\" not found, try pulling it first","type":"api_error"}}',
        ModelNotFound,
        "",
    ),
    (404, b'{"object":"error","message":"The model `x` does not exist.","type":"NotFoundError"}', ModelNotFound, ""),
    (400, b'{"error":{"message":"Failed to load","code":"model_not_found"}}', ModelNotFound, ""),
    (404, b'{"error":{"message":"File Not Found","type":"not_found_error","code":404}}', NotAnOllama, ""),
    (404, b'{"detail":"Not Found"}', NotAnOllama, ""),
    (404, b"404 page not found", NotAnOllama, ""),
    (405, b'{"detail":"Method Not Allowed"}', NotAnOllama, ""),
    (301, b"", NotAnOllama, ""),
    (400, b'{"error":{"message":"request (5444 tokens) exceeds the available context size"}}', InvalidRequest, ""),
    (422, b'{"detail":[{"loc":["body"],"msg":"field required","type":"missing"}]}', InvalidRequest, ""),
    (501, b'{"error":{"code":501,"message":"This server does not support embeddings. Start it"}}', InvalidRequest, ""),
    (401, b'{"error":{"message":"Invalid API Key","type":"authentication_error","code":401}}', Unauthorized, ""),
    (401, b"<html>log in</html>", Unauthorized, ""),
    (403, b"", HostForbidden, ""),
    (403, b'{"error":{"message":"not for you"}}', HostForbidden, ""),
    (503, b'{"error":{"message":"Loading model","type":"unavailable_error","code":503}}', ServerFailure, "loading"),
    (503, b'{"error":{"message":"queue full"}}', ServerFailure, "busy"),
    (429, b'{"error":{"message":"Rate limit reached","type":"requests","code":"rate_limit"}}', ServerFailure, "busy"),
    (429, b"", ServerFailure, "busy"),
    (502, b"<html><h1>502 Bad Gateway</h1></html>", ServerFailure, "proxy"),
    (504, b"", ServerFailure, "proxy"),
    (500, b'{"error":{"message":"llama runner process has terminated: exit status 2"}}', ServerFailure, "log"),
    (500, b"Internal Server Error", ServerFailure, "log"),
    (500, b"<html>oops</html>", NotAnOllama, "web page"),
    (400, b"Client sent an HTTP request to an HTTPS server.\n", HostUnreachable, "https://127.0.0.1:8080"),
]


@pytest.mark.parametrize(("status", "body", "kind", "part"), REFUSALS)
def test_a_refusal(status: int, body: bytes, kind: type[OllamaError], part: str) -> None:
    content_type = (
        "text/html" if body.startswith(b"<") else "application/json" if body.startswith(b"{") else "text/plain"
    )
    error = refusal(parse_openai_address("127.0.0.1:8080"), status, content_type, body, model="x")
    assert type(error) is kind
    assert_clear(error)
    assert part in error.message
    assert error.retryable is (kind is ServerFailure)
    if status in (429, 503):
        assert error.kind is ErrorKind.BUSY


def test_the_servers_own_words_are_kept() -> None:
    body = b'{"error":{"message":"The prompt is too long.\\nShorten it. Or not.","type":"invalid_request_error"}}'
    error = refusal(parse_openai_address("127.0.0.1:8080"), 400, "application/json", body)
    assert error.detail == "The prompt is too long.\nShorten it. Or not."
    assert "The prompt is too long, Shorten it, Or not" in error.message
    assert_clear(error)
    long = refusal(parse_openai_address(""), 400, "application/json", b'{"error":"' + b"word " * 1000 + b'"}')
    assert len(long.message) < 260


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"error":{}}', b'{"error":null}', b'{"error":[]}', b"\xff\xfe", b'"x']
)
@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 405, 418, 422, 429, 500, 501, 502, 503, 599])
def test_bodies_that_say_nothing(status: int, body: bytes) -> None:
    assert_clear(refusal(parse_openai_address("127.0.0.1:8080"), status, "application/json", body))
