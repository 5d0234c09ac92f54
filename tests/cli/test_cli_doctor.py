"""``ecs-localai doctor`` with and without what it looks for."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from tests.cli.cli_parts import Cli
from tests.rig.display import Xvfb
from tests.rig.odd_servers import CaptivePortal, closed_port
from tests.rig.ollama_server import OllamaServer


def by_name(objects: list[dict[str, object]]) -> dict[str, dict[str, object]]:
    """The checks by their names."""
    return {str(one["check"]): one for one in objects}


@pytest.mark.ollama
def test_with_a_server_all_that_is_needed_works(cli: Cli, ollama_server: OllamaServer) -> None:
    ended = cli.run("doctor", "--json", env={"OLLAMA_HOST": ollama_server.host_port})
    assert (ended.code, ended.err) == (0, "")
    checks = by_name(ended.objects)
    assert list(checks) == [
        "versions", "data folder", "address", "ollama", "keyring", "local ollama", "display", "gpu",
    ]  # fmt: skip
    version = ollama_server.call("GET", "/api/version").json()["version"]
    assert f"Ollama {version} answers" in str(checks["ollama"]["detail"])
    assert checks["address"]["detail"] == f"{ollama_server.base_url} (from OLLAMA_HOST)"
    assert f"Python {platform.python_version()}" in str(checks["versions"]["detail"])
    assert checks["data folder"]["detail"] == f"{cli.data_dir} can be written"
    for name in ("versions", "address", "ollama", "data folder"):
        assert checks[name]["status"] == "ok"
        assert checks[name]["advice"] == []
    # The tests take the display away.
    assert checks["display"]["status"] == "warn"
    assert "SDL 2." in str(checks["display"]["detail"])
    assert "run --headless" in str(checks["display"]["advice"])
    assert checks["gpu"]["status"] in ("ok", "warn")
    assert checks["gpu"]["detail"]


@pytest.mark.window
def test_a_display_is_found(cli: Cli, xvfb: Xvfb) -> None:
    ended = cli.run("doctor", "--json", "--host", f"127.0.0.1:{closed_port()}", env=xvfb.environment)
    display = by_name(ended.objects)["display"]
    assert display["status"] == "ok", display
    assert "x11" in str(display["detail"])


def test_without_a_server_it_says_what_to_do(cli: Cli) -> None:
    port = closed_port()
    ended = cli.run("doctor", "--host", f"127.0.0.1:{port}")
    assert ended.error == "Not everything works: see ollama above."
    fail = next(number for number, line in enumerate(ended.lines) if line.startswith("fail "))
    assert f"ollama       Nothing listens at 127.0.0.1:{port};" in ended.lines[fail]
    advice = " ".join(ended.lines[fail + 1 : fail + 4])
    assert f"OLLAMA_HOST=127.0.0.1:{port} ollama serve" in advice
    assert "ollama.com/download" in advice
    assert "--host" in advice
    assert sum(line.startswith("ok ") for line in ended.lines) >= 3


def test_a_long_name_of_a_check_stands_apart_from_what_was_found(cli: Cli) -> None:
    assert cli.run("hosts", "add", f"127.0.0.1:{closed_port()}", "--name", "untrusted-and-long").code == 0
    lines = cli.run("doctor").lines
    assert any(line.startswith("warn host untrusted-and-long Nothing listens at") for line in lines), lines


def test_a_web_page_and_a_bad_address_are_failures(cli: Cli) -> None:
    with CaptivePortal() as portal:
        checks = by_name(cli.run("doctor", "--json", "--host", portal.base_url).objects)
        assert checks["ollama"]["status"] == "fail"
        assert "a web page" in str(checks["ollama"]["detail"])
    ended = cli.run("doctor", "--json", env={"OLLAMA_HOST": "no where"})
    assert ended.error == "Not everything works: see address above."
    assert by_name(ended.objects)["data folder"]["status"] == "ok"  # the other checks are made all the same


def test_an_unusable_data_folder_is_a_failure(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    ended = cli.run("doctor", "--json", "--data-dir", str(tmp_path / "file"), "--host", f":{closed_port()}")
    assert ended.error == "Not everything works: see data folder and ollama above."
    folder = by_name(ended.objects)["data folder"]
    assert folder["status"] == "fail"
    assert str(tmp_path / "file") in str(folder["detail"])
    assert "--data-dir" in str(folder["advice"])
