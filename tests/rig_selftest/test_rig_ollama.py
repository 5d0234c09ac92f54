"""The rig's Ollama is a real one: it starts, answers, makes models, generates, dies and comes back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.rig.model_files import TINY_PARAMETERS, CreateFailed, create_model, write_gguf
from tests.rig.ollama_program import find_ollama
from tests.rig.ollama_server import OllamaServer
from tests.rig.parts import ROOT, PartMissing
from tests.rig.waiting import wait_until

pytestmark = pytest.mark.ollama


def test_the_shared_server_lists_both_models(ollama_server: OllamaServer) -> None:
    assert ollama_server.call("GET", "/").body == b"Ollama is running"
    assert {"smollm2:135m", "tiny:latest"} <= set(ollama_server.model_names())


def test_the_tiny_model_generates_with_real_timings(ollama_server: OllamaServer) -> None:
    request: dict[str, object] = {
        "model": "tiny",
        "prompt": "the world",
        "stream": False,
        "options": {"num_gpu": 0, "num_predict": 12},
    }
    answer = ollama_server.call("POST", "/api/generate", request).json()
    assert (answer["done_reason"], answer["eval_count"]) == ("length", 12)
    text, duration = answer["response"], answer["eval_duration"]
    assert isinstance(text, str)
    assert text.isprintable()
    assert isinstance(duration, int)
    assert duration > 0


def test_its_own_limit_ends_an_unbounded_request(ollama_server: OllamaServer) -> None:
    answer = ollama_server.call("POST", "/api/generate", {"model": "tiny", "prompt": "see", "stream": False}).json()
    assert (answer["done_reason"], answer["eval_count"]) == ("length", TINY_PARAMETERS["num_predict"])


def test_smollm2_shows_real_metadata(ollama_server: OllamaServer) -> None:
    shown = ollama_server.call("POST", "/api/show", {"model": "smollm2:135m"}).json()
    details, info = shown["details"], shown["model_info"]
    assert isinstance(details, dict)
    assert isinstance(info, dict)
    assert (details["family"], details["quantization_level"]) == ("llama", "Q4_1")
    assert info["llama.context_length"] == 8192


def test_a_written_model_has_the_size_asked_for_and_loads(fresh_ollama: OllamaServer, tmp_path: Path) -> None:
    for size in (400_000, 5_000_000):
        first = write_gguf(tmp_path / f"{size}.gguf", size, seed=1)
        assert abs(first.stat().st_size - size) < 5_000
    assert write_gguf(tmp_path / "other.gguf", 400_000, seed=2).read_bytes() != first.read_bytes()
    create_model(fresh_ollama, "written", first, parameters=TINY_PARAMETERS, system="Be brief.")
    loaded = fresh_ollama.call("POST", "/api/generate", {"model": "written", "stream": False}).json()
    assert loaded["done_reason"] == "load"


def test_a_file_that_is_no_model_is_refused(fresh_ollama: OllamaServer, tmp_path: Path) -> None:
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"not a model")
    with pytest.raises(CreateFailed):
        create_model(fresh_ollama, "bad", bad)


def test_a_killed_server_leaves_its_runner_and_comes_back_on_its_port(
    fresh_ollama: OllamaServer, tmp_path: Path
) -> None:
    create_model(fresh_ollama, "small", write_gguf(tmp_path / "small.gguf", 400_000), parameters=TINY_PARAMETERS)
    fresh_ollama.call("POST", "/api/generate", {"model": "small", "stream": False})
    runners = psutil.Process(fresh_ollama.pid).children()
    assert len(runners) == 1
    port = fresh_ollama.port
    fresh_ollama.kill()
    with pytest.raises(ConnectionRefusedError):
        fresh_ollama.call("GET", "/")
    assert runners[0].is_running()
    fresh_ollama.restart()
    assert (fresh_ollama.port, fresh_ollama.model_names()) == (port, ["small:latest"])
    fresh_ollama.stop()
    wait_until(lambda: _gone(runners[0]), describe="the orphaned runner to end with the server's group")


def test_terminate_ends_the_server_and_its_log_tells_of_both_lives(fresh_ollama: OllamaServer) -> None:
    fresh_ollama.terminate()
    assert not fresh_ollama.running
    fresh_ollama.restart()
    assert fresh_ollama.log_text().count(f"Listening on {fresh_ollama.host_port}") == 2


def test_a_paused_server_accepts_and_does_not_answer(fresh_ollama: OllamaServer) -> None:
    fresh_ollama.pause()
    with pytest.raises(TimeoutError):
        fresh_ollama.call("GET", "/", timeout=0.2)
    fresh_ollama.unpause()
    assert fresh_ollama.call("GET", "/").status == 200


def test_a_given_models_folder_outlives_the_server(tmp_path: Path, ollama_server: OllamaServer) -> None:
    with OllamaServer(tmp_path / "models", env={"OLLAMA_NOPRUNE": "1"}, program=ollama_server.program) as server:
        create_model(server, "kept", write_gguf(tmp_path / "kept.gguf", 400_000))
    with OllamaServer(tmp_path / "models", program=ollama_server.program) as server:
        assert server.model_names() == ["kept:latest"]
    assert (tmp_path / "models" / "manifests").is_dir()


@pytest.mark.usefixtures("ollama_server")  # skips where there is no Ollama
def test_the_server_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    code = "import sys, signal; from tests.rig.ollama_server import OllamaServer; s = OllamaServer().start()\n"
    code += "print(s.pid, flush=True); signal.pause()"
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        server = psutil.Process(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
    wait_until(lambda: _gone(server), describe="the server to end after its parent was killed")
    wait_until(lambda: not list(tmp_path.iterdir()), describe="the server's folder to be removed")


def test_a_wrong_ollama_bin_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(PartMissing, match="OLLAMA_BIN"):
        find_ollama({"OLLAMA_BIN": str(tmp_path / "nothing")})


def test_the_answer_lines_of_a_stream_are_json(ollama_server: OllamaServer) -> None:
    request: dict[str, object] = {"model": "tiny", "prompt": "a", "options": {"num_predict": 3}}
    lines = ollama_server.call("POST", "/api/generate", request).json_lines()
    assert lines[-1]["done"] is True
    assert json.dumps(lines[0])


def _gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
