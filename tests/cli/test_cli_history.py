"""``ecs-localai history``: installations that have ended, from a real registry and from a real file."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from ecs_localai.components.codec import encode
from ecs_localai.components.installation import InstallationRecord, InstallationStatus
from ecs_localai.store import Store
from ecs_localai.store.opening import FILE_NAME
from tests.cli.cli_parts import Cli
from tests.cli.queue_cli_parts import put_off
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.registry import Registry

BEGUN = datetime(2026, 11, 1, 12, 0, 0, tzinfo=UTC)


def record(number: int, status: InstallationStatus = InstallationStatus.COMPLETED) -> InstallationRecord:
    """The installation of a model that took `number` tenths of a second."""
    began = BEGUN + timedelta(minutes=number)
    return InstallationRecord(
        installation_id=f"id-{number}",
        model_name=f"model-{number}:1",
        status=status,
        started_at=began,
        finished_at=began + timedelta(seconds=30),
        duration=timedelta(milliseconds=100 * number),
        bytes_downloaded=number * 1_000_000,
        total_bytes=number * 2_000_000,
        host="http://127.0.0.1:11434",
    )


def keep(folder: Path, *records: InstallationRecord) -> None:
    """Keep records, the oldest first."""
    with Store.open(folder) as store:
        for one in records:
            store.add_history(one.installation_id, one.finished_at, encode(one))
        assert store.flush()


@pytest.mark.ollama
@pytest.mark.registry
def test_what_was_installed_and_what_was_not(cli: Cli, fresh_ollama: OllamaServer, registry: Registry) -> None:
    host = ("--host", fresh_ollama.host_port)
    good, missing = registry.name_for("tiny:latest"), registry.name_for("tiny:gone")
    assert cli.run("install", "--insecure", good, *host).code == 0
    registry.put_manifest("tiny:gone", registry.manifest("tiny:latest"))
    put_off(cli, fresh_ollama, missing)
    registry.delete_tag("tiny:gone")  # after it was looked at: else it would be refused, and not begun
    assert cli.run("resume", missing).code == 0
    assert cli.run("queue", "--run").code == 1
    ended = cli.run("history")
    assert (ended.code, ended.err) == (0, "")
    assert ended.lines[0].split() == ["FINISHED", "MODEL", "FROM", "ON", "SIZE", "TOOK", "OUTCOME"]
    failed, done = ended.lines[1:]
    place = good.partition("/")[0]
    assert [cell for cell in done.split("  ") if cell.strip()][1:4] == [
        f" {good}", f" {place}", f" {fresh_ollama.host_port}",
    ]  # fmt: skip
    assert " 877 KB " in done
    assert done.endswith("Completed")
    assert failed.endswith(f"Failed: The registry has no {missing}; check the spelling of the name and its tag.")
    newest, oldest = cli.run("history", "--json").objects
    assert (newest["model_name"], newest["outcome"]) == (missing, "Failed")
    assert str(newest["reason"]).startswith("The registry has no ")
    assert (oldest["model_name"], oldest["registry"], oldest["host"]) == (good, place, fresh_ollama.base_url)
    assert (oldest["outcome"], oldest["reason"], oldest["total_bytes"]) == ("Completed", None, 877663)
    assert oldest["bytes_downloaded"] == 877663
    assert str(oldest["duration"]).startswith("PT")
    for moment in ("started_at", "finished_at"):
        assert datetime.now(UTC) - datetime.fromisoformat(str(oldest[moment])) < timedelta(minutes=10)
    (only,) = cli.run("history", "--failed", "--json").objects
    assert only == newest


def test_all_pages_are_read_newest_first(cli: Cli) -> None:
    keep(cli.data_dir, *map(record, range(1, 131)))
    ended = cli.run("history", "--json")
    assert [one["installation_id"] for one in ended.objects] == [f"id-{number}" for number in range(130, 0, -1)]
    assert len(cli.run("history", "--json", "--limit", "101").objects) == 101
    ended = cli.run("history")
    assert (ended.code, ended.err) == (0, "")
    assert len(ended.lines) == 1 + 50 + 1
    assert ended.lines[1].split()[2] == "model-130:1"
    assert ended.lines[-1] == "There are more; to see more of them: ecs-localai history --limit 200"
    ended = cli.run("history", "--limit", "200")
    assert len(ended.lines) == 1 + 130
    assert " 1 MB of 2 MB " in ended.lines[-1]


def test_the_failed_ones_are_found_however_far_back_they_are(cli: Cli) -> None:
    failed = record(1, InstallationStatus.failed("The disk is full."))
    keep(cli.data_dir, failed, record(2, InstallationStatus.CANCELLED), *map(record, range(3, 90)))
    (only,) = cli.run("history", "--failed", "--limit", "1", "--json").objects
    assert (only["installation_id"], only["reason"]) == ("id-1", "The disk is full.")
    ended = cli.run("history", "--failed")
    assert len(ended.lines) == 2
    assert ended.lines[1].endswith("Failed: The disk is full.")


def test_spreadsheets_get_numbers_moments_and_no_formulas(cli: Cli) -> None:
    strange = InstallationStatus.failed('=HYPERLINK("x"), said\nsomebody')
    keep(cli.data_dir, record(1, strange), record(2))
    ended = cli.run("history", "--csv")
    assert (ended.code, ended.err) == (0, "")
    newest, oldest = csv.DictReader(io.StringIO(ended.out))
    assert newest == {
        "finished_utc": "2026-11-01 12:02:30", "started_utc": "2026-11-01 12:02:00", "model": "model-2:1",
        "registry": "registry.ollama.ai", "host": "http://127.0.0.1:11434", "outcome": "Completed", "reason": "",
        "bytes_downloaded": "2000000", "total_bytes": "4000000", "seconds": "0.200", "installation_id": "id-2",
        "refetched_bytes": "0", "made_of": "",
    }  # fmt: skip
    assert oldest["reason"] == '\'=HYPERLINK("x"), said somebody'
    assert len(ended.lines) == 3
    assert len(list(csv.reader(io.StringIO(cli.run("history", "--csv", "--limit", "1").out)))) == 2
    assert cli.run("history", "--csv", "--json").code == 2


def test_what_was_made_came_from_no_registry(cli: Cli) -> None:
    of_files = msgspec.structs.replace(record(1), files=["/models/a-00001-of-00002.gguf", "/models/projector.gguf"])
    of_another = msgspec.structs.replace(record(2), source="llama3.2:1b")
    keep(cli.data_dir, of_files, of_another)
    newest, oldest = cli.run("history", "--json").objects
    assert (newest["registry"], newest["source"], newest["files"]) == (None, "llama3.2:1b", [])
    assert (oldest["registry"], oldest["source"], oldest["files"]) == (None, "", of_files.files)
    _, second, first = cli.run("history").lines
    assert " llama3.2:1b " in second
    assert " a-00001-of-00002.gguf and 1 more " in first
    assert "model-" not in cli.run("find", "--json", "--host", f"127.0.0.1:{closed_port()}").out  # none can be had


def test_where_nothing_is_kept_it_says_so_and_creates_nothing(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "nowhere"
    said = f"No installation has ended yet, as far as is kept in {folder}.\n"
    ended = cli.run("history", "--data-dir", str(folder))
    assert (ended.code, ended.out, ended.err) == (0, said, "")
    ended = cli.run("history", "--json", "--data-dir", str(folder))
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert cli.run("history", "--csv", "--data-dir", str(folder)).out.count("\n") == 1
    assert not folder.exists()
    keep(cli.data_dir, record(1))
    ended = cli.run("history", "--failed")
    assert (ended.code, ended.out) == (0, f"No installation has failed, as far as is kept in {cli.data_dir}.\n")


def test_what_cannot_be_read_is_said(cli: Cli) -> None:
    with Store.open(cli.data_dir) as store:
        store.add_history("odd", BEGUN, b'{"no": "record"}')
        assert store.flush()
    keep(cli.data_dir, record(1))
    ended = cli.run("history")
    assert (ended.code, len(ended.lines)) == (0, 2)
    assert ended.err == "Note: 1 entry of the history cannot be read and is left out.\n"
    (cli.data_dir / FILE_NAME).write_bytes(b"no database" * 1000)
    assert cli.run("history").error.startswith(f"{cli.data_dir / FILE_NAME} cannot be read")
