"""``ecs-localai data``: what is kept is shown, checked and forgotten, in real files."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ecs_localai.components.browser import BrowserType, PairedBrowser
from ecs_localai.components.codec import to_builtins
from ecs_localai.components.secret_source import SecretPlace, SecretSource
from ecs_localai.store import ModelUsage, Store
from ecs_localai.store.opening import FILE_NAME
from ecs_localai.store.tables import Table
from ecs_localai.systems.paired_browsers import KEY_FOLDER
from tests.cli.cli_parts import Cli
from tests.rig.odd_servers import closed_port
from tests.store.store_parts import execute

SECRET = "sk-5p1ll-n0th1ng"
MARK = "a-word-that-nobody-else-has-written"
NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
KINDS = (
    "hosts", "features", "settings", "queue", "history", "usage", "registry", "browsers", "context", "measurements",
)  # fmt: skip


def fill(folder: Path) -> None:
    """Something of every kind, with the mark in it wherever there is text."""
    with Store.open(folder) as store:
        store.put(Table.HOSTS, MARK, {"name": MARK, "config": {"host": "gpu.example"}, "is_default": True})
        store.set_flag("chat_branching", False)
        store.set_setting("panel", {"theme": "dark", "note": MARK})
        store.set_setting("feature_telemetry", {"toggle_counts": {MARK: 1}})
        store.put(Table.QUEUE, MARK, {"request": MARK}, 1)
        store.add_history(f"{MARK} 1", NOW, json.dumps({"model": MARK}).encode())
        store.add_history(f"{MARK} 2", NOW + timedelta(days=1), json.dumps({"model": MARK * 900}).encode())
        store.set_model_usage(MARK, ModelUsage(3))
        store.put(Table.REGISTRY, MARK, {"model": MARK})
        store.put(Table.CAPABILITIES, MARK, {"vision": False})
        store.put(Table.BROWSERS, MARK, {"key": MARK})
        store.put_context("page", json.dumps({"text": MARK}).encode(), datetime.now(UTC), timedelta(days=9))
        store.add_measurements(datetime.now(UTC), {"cpu_percent": 12.5, "memory_bytes": 2e9})
        assert store.flush()


def entries(cli: Cli) -> dict[str, object]:
    """How many entries of each kind there are, as the command says."""
    (told,) = cli.run("data", "show", "--json").objects
    kinds = told["kinds"]
    assert isinstance(kinds, list)
    return {one["kind"]: one["entries"] for one in kinds}


def anywhere(folder: Path) -> list[str]:
    """The files that the mark is in, in whatever form."""
    return [path.name for path in folder.rglob("*") if path.is_file() and MARK.encode() in path.read_bytes()]


def test_where_nothing_is_kept_it_says_so_and_creates_nothing(cli: Cli) -> None:
    shown = cli.run("data", "show")
    assert (shown.code, shown.out, shown.err) == (
        0,
        f"Nothing is kept in {cli.data_dir}: there is no {FILE_NAME}.\n",
        "",
    )
    (told,) = cli.run("data", "show", "--json").objects
    assert (told["size"], told["schema"], told["kinds"], told["copies"]) == (None, None, [], [])
    assert cli.run("data", "check").code == 0
    assert cli.run("data", "forget", "history").code == 0
    assert cli.run("data", "forget", "--everything").code == 0
    assert cli.run("data", "measurements").code == 0
    assert list(cli.data_dir.iterdir()) == []


def test_it_shows_each_kind_with_when_and_for_how_long(cli: Cli, tmp_path: Path) -> None:
    fill(tmp_path)
    shutil.copy(tmp_path / FILE_NAME, tmp_path / "ecs-localai.schema-1.sqlite3")
    before = (tmp_path / FILE_NAME).read_bytes()
    shown = cli.run("data", "show")
    assert (shown.code, shown.err) == (0, "")
    assert shown.lines[0].startswith(f"{tmp_path / FILE_NAME}: 1")
    lines = {line.split()[0]: line for line in shown.lines[2:] if line}
    assert set(lines) >= {"KIND", *KINDS}
    local = [f"{moment.astimezone():%Y-%m-%d %H:%M}" for moment in (NOW, NOW + timedelta(days=1))]
    assert all(word in lines["history"] for word in (" 2 ", *local, "until you forget them"))
    assert "as browser privacy says" in lines["context"]
    assert shown.lines[-1].endswith("as it was before a newer version took it over")
    (told,) = cli.run("data", "show", "--json").objects
    assert (told["schema"], told["is_open"], told["problem"]) == (2, False, None)
    assert told["size"] == len(before)
    kinds = told["kinds"]
    assert isinstance(kinds, list)
    history = next(one for one in kinds if one["kind"] == "history")
    assert (history["entries"], history["oldest"]) == (2, "2026-11-23T12:00:00Z")
    assert entries(cli) == dict.fromkeys(KINDS, 1) | {"settings": 2, "history": 2, "registry": 2}
    assert (tmp_path / FILE_NAME).read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_of_another_version_is_said_to_be_one(cli: Cli, tmp_path: Path) -> None:
    fill(tmp_path)
    execute(tmp_path, "PRAGMA user_version = 99")
    shown = cli.run("data", "show")
    assert shown.code == 1
    assert "belongs to a newer version of ecs-localai" in shown.err
    checked = cli.run("data", "check")
    assert (checked.code, checked.err) == (0, "")
    assert "whose entries this one cannot check" in checked.out
    refused = cli.run("data", "forget", "history", "--yes")
    assert refused.code == 1
    assert "newer version" in refused.err
    assert anywhere(tmp_path) == [FILE_NAME]


def test_a_check_finds_what_was_changed_and_changes_nothing(cli: Cli, tmp_path: Path) -> None:
    fill(tmp_path)
    checked = cli.run("data", "check")
    assert (checked.code, checked.err) == (0, "")
    assert checked.out == f"{tmp_path / FILE_NAME} is sound: its structure, and 13 entries by their checksums.\n"
    execute(tmp_path, "UPDATE flags SET value = 'true'")
    before = (tmp_path / FILE_NAME).read_bytes()
    checked = cli.run("data", "check")
    assert (
        checked.error == f"{tmp_path / FILE_NAME} holds what was not written so. It is passed over wherever it is read."
    )
    assert "the flag 'chat_branching' was skipped" in checked.out
    told = cli.run("data", "check", "--json")
    assert told.code == 1
    (found,) = told.objects
    assert (found["sound"], found["schema"], found["entries"]) == (False, 2, 13)
    assert (tmp_path / FILE_NAME).read_bytes() == before


def test_a_check_tells_damage(cli: Cli, tmp_path: Path) -> None:
    fill(tmp_path)
    data = bytearray((tmp_path / FILE_NAME).read_bytes())
    data[4096:20480] = b"\xff" * 16384
    (tmp_path / FILE_NAME).write_bytes(data)
    checked = cli.run("data", "check")
    assert "is damaged. The next start of the panel saves what can be read" in checked.error
    assert (tmp_path / FILE_NAME).read_bytes() == data
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_forgetting_a_kind_leaves_no_byte_of_it_and_all_of_the_rest(cli: Cli, tmp_path: Path) -> None:
    fill(tmp_path)
    before = entries(cli)
    for number, kind in enumerate(KINDS):
        ended = cli.run("data", "forget", kind, "--yes")
        assert (ended.code, ended.err) == (0, ""), ended
        assert "No byte of it is left in" in ended.out
        now = entries(cli)
        gone = set(KINDS[: number + 1])
        assert {name: count for name, count in now.items() if count} == {
            name: count - (name == "settings" and "features" in gone) if isinstance(count, int) else count
            for name, count in before.items()
            if name not in gone
        }
    assert anywhere(tmp_path) == []
    assert cli.run("data", "check").code == 0


def test_forgetting_everything_takes_the_copies_and_the_keyring_along(cli: Cli, tmp_path: Path) -> None:
    data = tmp_path / "data"
    env = {"PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring", "XDG_DATA_HOME": str(tmp_path / "keyring")}
    fill(data)
    ended = cli.on_terminal(
        "hosts", "add", "old.example", "--name", "old", "--bearer", "--data-dir", str(data),
        keys=SECRET.encode() + b"\n", after="Bearer token: ", env=env,
    )  # fmt: skip
    assert ended.code == 0, ended.out
    (kept,) = (tmp_path / "keyring").rglob("*.cfg")
    assert "old_2eexample" in kept.read_text()
    for name in ("ecs-localai.schema-1.sqlite3", "ecs-localai.damaged-20261123T120000Z.sqlite3"):
        shutil.copy(data / FILE_NAME, data / name)
    logs = [data / "ollama-serve.log", data / "ollama-serve.log.1"]
    for log in logs:
        log.write_text("what an Ollama wrote\n")
    (shown,) = cli.run("data", "show", "--json", "--data-dir", str(data)).objects
    assert shown["logs"] == [{"file": str(log), "size": 21} for log in logs]
    (told,) = cli.run("data", "forget", "--everything", "--yes", "--json", "--data-dir", str(data), env=env).objects
    assert (told["is_gone"], told["problems"], told["kinds"]) == (True, [], list(KINDS))
    assert told["entries"] == 14
    copies, secrets = told["copies"], told["keyring_entries"]
    assert isinstance(copies, list)
    assert isinstance(secrets, list)
    assert len(copies) == 2
    assert told["logs"] == [str(log) for log in logs]
    assert [log for log in logs if log.exists()] == []
    assert [one.split()[0] for one in secrets] == ["old.example:11434"]
    assert anywhere(data) == []
    assert [path.name for path in data.iterdir() if MARK in path.name or "damaged" in path.name] == []
    assert "old_2eexample" not in kept.read_text()


def test_forgetting_hosts_takes_their_secrets_out_of_the_keyring(cli: Cli, tmp_path: Path) -> None:
    env = {"PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring", "XDG_DATA_HOME": str(tmp_path / "keyring")}
    ended = cli.on_terminal(
        "hosts", "add", "old.example", "--bearer", keys=SECRET.encode() + b"\n", after="Bearer token: ", env=env
    )
    assert ended.code == 0, ended.out
    forgotten = cli.run("data", "forget", "hosts", "--yes", env=env)
    assert (forgotten.code, forgotten.err) == (0, "")
    assert forgotten.lines[1].startswith("Deleted from the keyring: old.example:11434 ")
    (kept,) = (tmp_path / "keyring").rglob("*.cfg")
    assert "old_2eexample" not in kept.read_text()


def test_forgetting_browsers_takes_their_keys_along(cli: Cli, tmp_path: Path) -> None:
    keys = tmp_path / KEY_FOLDER
    keys.mkdir()
    (keys / "b-1").write_text("00ff\n")
    (keys / "of-nobody").write_text("00ff\n")
    source = SecretSource(SecretPlace.FILE, str(keys / "b-1"))
    with Store.open(tmp_path) as store:
        store.put(Table.BROWSERS, "b-1", to_builtins(PairedBrowser("b-1", BrowserType.FIREFOX, "moz://x", source, NOW)))
        assert store.flush()
    (told,) = cli.run("data", "forget", "browsers", "--yes", "--json").objects
    assert (told["entries"], told["browser_keys"], told["is_gone"], told["problems"]) == (1, ["b-1"], True, [])
    assert list(keys.iterdir()) == []


def test_a_keyring_that_refuses_is_said(cli: Cli, tmp_path: Path) -> None:
    env = {"PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring", "XDG_DATA_HOME": str(tmp_path / "keyring")}
    ended = cli.on_terminal(
        "hosts", "add", "old.example", "--bearer", keys=SECRET.encode() + b"\n", after="Bearer token: ", env=env
    )
    assert ended.code == 0, ended.out
    without = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    forgotten = cli.run("data", "forget", "hosts", "--yes", env=without)
    assert "A secret is still in the keyring, as 'old.example:11434 " in forgotten.error
    assert forgotten.out.startswith("Deleted: 2 entries. No byte of it is left in")


def test_it_asks_first(cli: Cli, tmp_path: Path) -> None:
    fill(tmp_path)
    assert cli.run("data", "forget", "history").error == "Nobody can be asked here. Give --yes to delete it."
    no = cli.on_terminal("data", "forget", "history", keys=b"n\n", after="[y/N]")
    assert no.code == 1
    assert "Delete history (installations that ended), 2 entries? This cannot be undone." in no.out
    assert "Nothing was deleted." in no.out
    assert entries(cli)["history"] == 2
    yes = cli.on_terminal("data", "forget", "--everything", keys=b"y\n", after="[y/N]")
    assert yes.code == 0
    assert anywhere(tmp_path) == []


def test_a_program_that_runs_is_pointed_out(cli: Cli, tmp_path: Path) -> None:
    fill(tmp_path)
    with cli.start("run", "--headless", "--json", "--host", f"127.0.0.1:{closed_port()}") as running:
        running.wait_for_event("HostAdded")
        shown = cli.run("data", "show")
        assert "which a program has open, or had when it was killed" in shown.lines[0]
        assert cli.run("data", "check").code == 0
        ended = cli.run("data", "forget", "history", "--yes")
        assert (ended.code, ended.out.count("No byte of it is left in")) == (0, 1), ended
        assert "A program runs with this data." in ended.err
        assert entries(cli)["history"] == 0
        done = running.interrupt()
    assert (done.code, done.err) == (0, "")


def test_a_program_that_was_killed_is_no_program_that_runs(cli: Cli, tmp_path: Path) -> None:
    fill(tmp_path)
    with cli.start("run", "--headless", "--json", "--host", f"127.0.0.1:{closed_port()}") as running:
        running.wait_for_event("HostAdded")
        running.interrupt(signal.SIGKILL)
    assert (tmp_path / f"{FILE_NAME}-shm").exists()
    ended = cli.run("data", "forget", "history", "--yes")
    assert (ended.code, ended.err) == (0, "")


def test_it_is_said_where_bytes_are_left_because_a_program_reads_them(cli: Cli, tmp_path: Path) -> None:
    fill(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM history").fetchone() == (2,)
        ended = cli.run("data", "forget", *KINDS, "--yes")
        assert ended.code == 1
        assert "another process is reading it" in ended.err
        assert "No byte" not in ended.out
        assert anywhere(tmp_path) != []
    assert cli.run("data", "forget", "history", "--yes").code == 0
    assert anywhere(tmp_path) == []


def test_copies_that_hold_it_still_are_said(cli: Cli, tmp_path: Path) -> None:
    fill(tmp_path)
    copy = tmp_path / "ecs-localai.schema-1.sqlite3"
    shutil.copy(tmp_path / FILE_NAME, copy)
    ended = cli.run("data", "forget", "history", "--yes")
    assert ended.error.startswith(f"It may still be in {copy}, beside the file.")
    assert "No byte of it is left in" in ended.out
    (told,) = cli.run("data", "forget", "usage", "--yes", "--json").objects
    assert (told["is_file_clean"], told["is_gone"], told["copies"]) == (True, False, [])
    assert copy.exists()


def test_a_folder_that_cannot_be_written_is_said(cli: Cli, tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / FILE_NAME).rename(tmp_path / "kept")
    (tmp_path / FILE_NAME).mkdir()
    shown = cli.run("data", "show")
    assert shown.code == 1
    assert "cannot be read" in shown.err
    assert "cannot be read" in cli.run("data", "check").error
    forgotten = cli.run("data", "forget", "--everything", "--yes")
    assert forgotten.code == 1
    assert "Nothing can be saved in" in forgotten.err
    assert "No byte" not in forgotten.out


@pytest.mark.parametrize("command", [("show",), ("check",), ("forget", "--everything", "--yes")])
def test_a_folder_that_cannot_be_is_said(cli: Cli, command: tuple[str, ...]) -> None:
    ended = cli.run("data", *command, "--data-dir", "x" * 300)
    assert ended.code == 1
    assert "File name too long" in ended.err
    assert "Traceback" not in ended.err


def test_measurements_are_shown(cli: Cli, tmp_path: Path) -> None:
    fill(tmp_path)
    ended = cli.run("data", "measurements", "--since", "1h30m", "--series", "cpu_percent", "--json")
    assert (ended.code, ended.err) == (0, "")
    assert "12.5" in ended.out
    assert "memory_bytes" not in ended.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("measurements", "--since", "soon"), "--since is a time like 90s, 15m, 1h or 7d"),
        (("measurements", "--since", "1h!"), "--since is a time"),
        (("forget",), "Say what to forget: kinds of data, or --everything."),
        (("forget", "history", "--everything"), "Say what to forget: kinds of data, or --everything."),
        (("forget", "histories"), "'histories' is nothing that is kept."),
    ],
)
def test_wrong_usage_is_told(cli: Cli, arguments: tuple[str, ...], said: str) -> None:
    ended = cli.run("data", *arguments, env={"COLUMNS": "400"})
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
