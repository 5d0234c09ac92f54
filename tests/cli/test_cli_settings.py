"""``ecs-localai settings``: what is set goes to a file and comes back, after a question, and nothing is lost."""

from __future__ import annotations

import json
import os
import pty
import select
import stat
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ecs_localai.store import Store
from ecs_localai.systems.settings_exchange import keep_settings, stored_settings
from ecs_localai.systems.settings_file import SettingsFile, read_settings_file
from ecs_localai.systems.settings_plan import plan_import
from tests.cli.cli_parts import COMMAND, Cli, Ended, environment
from tests.rig.odd_servers import closed_port

SECRET = "sk-5p1ll-n0th1ng"
RICH: dict[str, object] = {
    "format": "ecs-localai settings",
    "version": 1,
    "hosts": [
        {"name": "gpu", "config": {"host": "gpu.example"}, "is_default": True},
        {"name": "office", "config": {"host": "x.example", "port": 443, "tls_enabled": True, "base_path": "/ai"}},
    ],
    "features": {"chat_branching": False, "custom_providers": True},
    "panel": {"theme": "dark", "scale": 1.5, "window": {"width": 900, "height": 700, "x": 3, "y": 4}},
    "privacy": {"retention_policy": {"kind": "Days", "amount": 7}, "domain_whitelist": ["example.org"]},
    "context_extraction": {"enabled": True},
    "experimental_preferences": {"hidden_phases": ["Alpha"]},
    "rollout": {"respect_percentages": False},
}


def file_of(folder: Path, content: Mapping[str, object], name: str = "in.json") -> str:
    """A file with this JSON; returns its name as the command is given it."""
    (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return name


def settings_in(cli: Cli) -> SettingsFile:
    """What the data folder says, read without the command."""
    with Store.open(cli.data_dir) as store:
        settings, problems = stored_settings(store.initial)
    assert problems == []
    return settings


def exported(cli: Cli, *arguments: str) -> dict[str, object]:
    """What export prints, but for the moment."""
    ended = cli.run("settings", "export", *arguments)
    assert (ended.code, ended.err) == (0, "")
    found = json.loads(ended.out)
    assert isinstance(found, dict)
    del found["exported_at"]
    return found


def fed(cli: Cli, text: str, *arguments: str) -> Ended:
    """The command with a text on its standard input."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        env=environment(cli.data_dir),
        cwd=cli.data_dir,
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def answered(cli: Cli, meanwhile: Callable[[], None], *arguments: str) -> tuple[int, str]:
    """The command on a terminal, whose question is answered with yes after something else has happened."""
    controller, terminal = pty.openpty()
    shown = b""
    try:
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            env=environment(cli.data_dir, {"TERM": "dumb"}),
            cwd=cli.data_dir,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
        os.close(terminal)
        asked = False
        while select.select([controller], [], [], 60.0)[0]:
            try:
                shown += os.read(controller, 65536)
            except OSError:  # Linux's way of saying that nobody has the terminal open any more
                break
            if not asked and b"[y/N]" in shown:
                asked = True
                meanwhile()
                os.write(controller, b"y\n")
        return process.wait(60.0), shown.decode()
    finally:
        os.close(controller)


def test_where_nothing_is_set_it_says_so_and_creates_nothing(cli: Cli) -> None:
    shown = cli.run("settings", "show")
    assert (shown.code, shown.err) == (0, "")
    assert "  as usual: this computer" in shown.lines
    assert shown.lines[-1].startswith("As usual: panel, browser privacy")
    assert exported(cli) == {"format": "ecs-localai settings", "version": 1}
    assert list(cli.data_dir.iterdir()) == []


def test_settings_go_from_one_computer_to_another_and_back(cli: Cli, tmp_path: Path) -> None:
    source = file_of(tmp_path, RICH)
    ended = cli.run("settings", "import", source, "--yes")
    assert (ended.code, ended.err) == (0, "")
    assert "  gpu is added, at http://gpu.example:11434" in ended.lines
    assert "  Chat branching is switched off" in ended.lines
    assert "  theme: system → dark" in ended.lines
    assert "  retention policy: SessionOnly → 7 days" in ended.lines
    assert cli.run("settings", "export", "out.json").out.startswith("Wrote out.json: 2 hosts, 2 switched features, ")
    other = tmp_path / "other"
    other.mkdir()
    elsewhere = ("--data-dir", str(other))
    ended = cli.run("settings", "import", "out.json", "--yes", *elsewhere)
    assert (ended.code, ended.err) == (0, "")
    assert exported(cli, *elsewhere) == exported(cli)
    again = cli.run("settings", "import", "out.json", *elsewhere)
    assert (again.code, again.out) == (0, "Nothing changes: all that out.json says is set already.\n")
    shown = cli.run("settings", "show", *elsewhere)
    for line in ("  * gpu     http://gpu.example:11434", "  Custom providers: on", "  retention policy: 7 days"):
        assert line in shown.lines


def test_the_file_is_for_its_owners_eyes_and_replaced_only_when_asked(cli: Cli, tmp_path: Path) -> None:
    assert cli.run("settings", "export", "out.json").out == "Wrote out.json: nothing was set. Secrets are not in it.\n"
    assert stat.S_IMODE((tmp_path / "out.json").stat().st_mode) == 0o600
    (tmp_path / "out.json").write_text("mine", encoding="utf-8")
    error = cli.run("settings", "export", "out.json").error
    assert error == "out.json is there already. Choose another name, or give --force to replace it."
    assert (tmp_path / "out.json").read_text(encoding="utf-8") == "mine"
    (told,) = cli.run("settings", "export", "out.json", "--force", "--json").objects
    assert (told["file"], told["hosts"], told["sections"]) == ("out.json", 0, [])
    assert told["size"] == (tmp_path / "out.json").stat().st_size
    assert read_settings_file((tmp_path / "out.json").read_bytes()).hosts is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.json"]
    assert cli.run("settings", "export", ".").error == ". is a folder. Give the name of a file in it."
    assert (
        cli.run("settings", "export", "no/out.json").error
        == "no/out.json cannot be written: No such file or directory."
    )
    assert cli.run("settings", "export", "x" * 300).error.endswith("cannot be written: File name too long.")


def test_as_json_everything_is_one_line(cli: Cli, tmp_path: Path) -> None:
    source = file_of(tmp_path, {**RICH, "colour": "red"})
    (told,) = cli.run("settings", "import", source, "--dry-run", "--json").objects
    assert (told["file"], told["applied"]) == (source, False)
    assert told["notes"] == ["colour: this version does not know it, so it is left out."]
    changes = told["changes"]
    assert isinstance(changes, list)
    assert {"section": "panel", "name": "theme", "text": "theme: system → dark"} in changes
    (told,) = cli.run("settings", "import", source, "--yes", "--json").objects
    assert told["applied"] is True
    (shown,) = cli.run("settings", "show", "--json").objects
    (out,) = cli.run("settings", "export", "--json").objects
    del shown["exported_at"], out["exported_at"]
    assert shown == out == exported(cli)


def test_a_dry_run_changes_nothing(cli: Cli, tmp_path: Path) -> None:
    ended = cli.run("settings", "import", file_of(tmp_path, RICH), "--dry-run")
    assert (ended.code, ended.err) == (0, "")
    assert "  office is added, at https://x.example:443/ai" in ended.lines
    assert [path.name for path in tmp_path.iterdir()] == ["in.json"]


def test_it_asks_on_a_terminal_and_needs_yes_elsewhere(cli: Cli, tmp_path: Path) -> None:
    source = file_of(tmp_path, RICH)
    refused = cli.run("settings", "import", source)
    assert refused.error == "Nobody can be asked here. Look with --dry-run, and give --yes to change the settings."
    no = cli.on_terminal("settings", "import", source, keys=b"n\n", after="[y/N]")
    assert no.code == 1
    assert "Nothing was changed." in no.out
    assert settings_in(cli).hosts is None
    yes = cli.on_terminal("settings", "import", source, keys=b"y\n", after="[y/N]")
    assert yes.code == 0
    assert [host.name for host in settings_in(cli).hosts or ()] == ["gpu", "office"]


def test_what_was_changed_elsewhere_while_it_asked_is_not_overwritten(cli: Cli, tmp_path: Path) -> None:
    source = file_of(tmp_path, RICH)

    def meanwhile() -> None:
        with Store.open(cli.data_dir) as store:
            keep_settings(store, plan_import(stored_settings(store.initial)[0], read_settings_file(json.dumps(theirs))))
            assert store.flush()

    theirs = {"format": RICH["format"], "version": 1, "panel": {"theme": "light"}}
    code, shown = answered(cli, meanwhile, "settings", "import", source)
    assert code == 1
    assert "The settings were changed elsewhere meanwhile, so nothing was imported. Try again." in shown
    assert settings_in(cli).hosts is None


def test_standard_input_is_a_file_too(cli: Cli) -> None:
    ended = fed(cli, json.dumps(RICH), "settings", "import", "-", "--yes", "--json")
    assert (ended.code, ended.err) == (0, "")
    assert ended.objects[0]["file"] == "standard input"
    assert [host.name for host in settings_in(cli).hosts or ()] == ["gpu", "office"]
    ended = fed(cli, cli.run("settings", "export").out, "settings", "import", "-")
    assert ended.out == "Nothing changes: all that standard input says is set already.\n"


def test_hosts_are_merged_by_name_unless_they_are_replaced(cli: Cli, tmp_path: Path) -> None:
    for address, name in (("old.example", "gpu"), ("mine.example", "mine"), ("https://x.example/ai", "work")):
        assert cli.run("hosts", "add", address, "--name", name).code == 0
    source = file_of(tmp_path, {name: RICH[name] for name in ("format", "version", "hosts")})
    ended = cli.run("settings", "import", source, "--yes")
    assert ended.code == 0
    assert ended.err == "Note: office at https://x.example:443/ai is left out: that server is in the list as work.\n"
    assert ended.lines[1:3] == [
        "  gpu is changed: it is at http://gpu.example:11434, and was at http://old.example:11434",
        "  gpu becomes the default host, which This computer was",
    ]
    assert [host.name for host in settings_in(cli).hosts or ()] == ["This computer", "gpu", "mine", "work"]
    ended = cli.run("settings", "import", source, "--yes", "--replace-hosts")
    assert (ended.code, ended.err) == (0, "")
    assert "  mine is taken off the list" in ended.lines
    assert "  office is changed: it was called work" in ended.lines
    assert [host.name for host in settings_in(cli).hosts or ()] == ["gpu", "office"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"format": "ecs-localai settings", "version": 9}, "in.json: This file is of version 9, which a newer"),
        ({"format": "ecs-localai world", "version": 1}, "in.json: This is a saved world, not settings."),
        ({**RICH, "panel": {"theme": "pink"}}, "in.json: panel.theme: Invalid enum value 'pink'."),
    ],
)
def test_a_file_that_cannot_be_is_refused_whole(
    cli: Cli, tmp_path: Path, content: dict[str, object], said: str
) -> None:
    assert said in cli.run("settings", "import", file_of(tmp_path, content), "--yes").error
    assert [path.name for path in tmp_path.iterdir()] == ["in.json"]


def test_all_that_is_wrong_with_a_file_is_said(cli: Cli, tmp_path: Path) -> None:
    bad = {**RICH, "hosts": [{"name": "a", "config": {"port": 0}}], "rollout": 1}
    ended = cli.run("settings", "import", file_of(tmp_path, bad), "--yes")
    assert (ended.code, ended.out) == (1, "")
    first, second = ended.err.splitlines()
    assert first.startswith("Error: in.json: hosts[0].config: A port is a number from 1 to 65535")
    assert second == "Error: in.json: rollout: Expected `object`, got `int`."


def test_files_that_cannot_be_read_are_errors(cli: Cli, tmp_path: Path) -> None:
    assert cli.run("settings", "import", "none.json").error == "none.json cannot be read: No such file or directory."
    assert cli.run("settings", "import", ".").error == ". cannot be read: Is a directory."
    (tmp_path / "words.txt").write_text("no JSON", encoding="utf-8")
    assert cli.run("settings", "import", "words.txt").error.startswith("words.txt: This is no JSON: ")
    with (tmp_path / "large").open("wb") as large:
        large.truncate(17 * 1024 * 1024)
    assert cli.run("settings", "import", "large").error == "large is too large to be a settings file."
    assert cli.run("settings", "import").code == 2


def test_settings_that_cannot_be_saved_are_a_failure(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    ended = cli.run("settings", "import", file_of(tmp_path, RICH), "--yes", "--data-dir", str(tmp_path / "file"))
    assert ended.code == 1
    assert "The settings were not saved." in ended.err


def test_secrets_stay_out_and_what_is_to_be_done_is_said(cli: Cli, tmp_path: Path) -> None:
    env = {"TOKEN": SECRET}
    assert cli.run("hosts", "add", "gpu.example", "--name", "gpu", "--bearer-env", "TOKEN", env=env).code == 0
    out = cli.run("settings", "export", env=env).out
    assert SECRET not in out
    assert '"TOKEN"' in out
    ended = fed(cli, out, "settings", "import", "-", "--dry-run", "--data-dir", str(tmp_path / "other"))
    assert "gpu logs in with a secret that is not in the file" in ended.err
    assert "the environment variable TOKEN" in ended.err


def test_what_was_typed_for_a_host_that_is_replaced_leaves_the_keyring(cli: Cli, tmp_path: Path) -> None:
    env = {"PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring", "XDG_DATA_HOME": str(tmp_path / "keyring")}
    ended = cli.on_terminal(
        "hosts", "add", "old.example", "--name", "old", "--bearer",
        keys=SECRET.encode() + b"\n", after="Bearer token: ", env=env,
    )  # fmt: skip
    assert ended.code == 0, ended.out
    (kept,) = (tmp_path / "keyring").rglob("*.cfg")
    assert "old_2eexample" in kept.read_text()
    ended = cli.run("settings", "import", file_of(tmp_path, RICH), "--yes", "--replace-hosts", env=env)
    assert (ended.code, ended.err) == (0, "")
    assert "old_2eexample" not in kept.read_text()


def test_a_program_that_runs_takes_over_what_is_imported(cli: Cli, tmp_path: Path) -> None:
    source = file_of(tmp_path, RICH)
    assert cli.run("hosts", "add", f"127.0.0.1:{closed_port()}", "--name", "here").code == 0
    with cli.start("run", "--headless", "--json") as running:
        running.wait_for_event("HostAdded")
        ended = cli.run("settings", "import", source, "--yes")
        assert (ended.code, ended.err) == (0, "")
        toggled = running.wait_for_event("FeatureFlagToggled")
        done = running.interrupt()
    assert (done.code, done.err) == (0, "")
    assert toggled["feature_id"] in ("chat_branching", "custom_providers")
    assert {one["name"] for one in done.objects if one["event"] == "HostAdded"} >= {"gpu", "office"}
    names = {host.name for host in settings_in(cli).hosts or ()}
    assert names == {"This computer", "here", "gpu", "office"}
