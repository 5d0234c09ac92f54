"""Every fault of the file server, as a plain HTTP client sees it."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig.file_server import FileServer
from tests.rig.plain_http import Answer, call
from tests.rig.waiting import wait_until

CONTENTS = bytes(range(256)) * 4096  # 1 MiB


@pytest.fixture
def files(tmp_path: Path) -> Iterator[FileServer]:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "data").write_bytes(CONTENTS)
    with FileServer(tmp_path) as server:
        yield server


def get(files: FileServer, byte_range: str | None = None, timeout: float = 10.0) -> Answer:
    headers = {} if byte_range is None else {"Range": byte_range}
    return call(files.port, "GET", "/folder/data", headers=headers, timeout=timeout)


def test_it_serves_whole_files_and_counts(files: FileServer) -> None:
    assert get(files).body == CONTENTS
    head = call(files.port, "HEAD", "/folder/data")
    assert (head.status, head.headers["content-length"]) == (200, str(len(CONTENTS)))
    assert files.bytes_served == len(CONTENTS)
    assert [request.method for request in files.requests] == ["GET", "HEAD"]
    files.reset_counts()
    assert (files.requests, files.bytes_served) == ([], 0)


@pytest.mark.parametrize(
    ("byte_range", "first", "end"),
    [("bytes=100-199", 100, 200), ("bytes=1048000-", 1048000, len(CONTENTS)), ("bytes=-10", len(CONTENTS) - 10, None)],
)
def test_it_honours_ranges(files: FileServer, byte_range: str, first: int, end: int | None) -> None:
    answer = get(files, byte_range)
    assert (answer.status, answer.body) == (206, CONTENTS[first:end])
    assert answer.headers["content-range"] == f"bytes {first}-{(end or len(CONTENTS)) - 1}/{len(CONTENTS)}"


def test_it_refuses_ranges_past_the_end_and_paths_outside(files: FileServer) -> None:
    assert get(files, "bytes=2000000-").status == 416
    assert call(files.port, "GET", "/folder/none").status == 404
    assert call(files.port, "GET", "/%2e%2e/%2e%2e/etc/passwd").status == 404


def test_throttle_slows_all_transfers_together(files: FileServer) -> None:
    files.throttle(2 * len(CONTENTS))
    began = time.monotonic()
    other = threading.Thread(target=get, args=(files,))
    other.start()
    assert get(files).body == CONTENTS
    other.join()
    assert time.monotonic() - began > 0.8  # two files, half a second each; a lower bound holds on any machine


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_cut_after_ends_some_transfers_and_then_is_well(files: FileServer, how: str) -> None:
    files.cut_after(100_000, how="rst" if how == "rst" else "fin", times=2)
    for _ in range(2):
        with pytest.raises(ConnectionResetError if how == "rst" else http.client.IncompleteRead) as cut:
            get(files)
        if isinstance(cut.value, http.client.IncompleteRead):
            assert cut.value.partial == CONTENTS[:100_000]
    assert get(files).body == CONTENTS


def test_cut_after_counts_from_the_start_of_the_range(files: FileServer) -> None:
    files.cut_after(1000)
    with pytest.raises(http.client.IncompleteRead):
        get(files, "bytes=500000-501001")
    assert len(get(files, "bytes=500000-500999").body) == 1000


def test_stall_after_sends_no_more_until_it_is_cleared(files: FileServer) -> None:
    files.stall_after(200_000)
    with pytest.raises(TimeoutError):
        get(files, timeout=0.2)
    wait_until(lambda: files.open_transfers == 0, describe="the stalled transfer to end with its reader")
    assert files.bytes_served == 200_000
    answers: list[Answer] = []
    reader = threading.Thread(target=lambda: answers.append(get(files)))
    reader.start()
    wait_until(lambda: files.bytes_served == 400_000, describe="the second transfer to stall")
    files.clear()
    reader.join(timeout=10)
    assert answers[0].body == CONTENTS


def test_corrupt_keeps_the_length_and_changes_the_contents(files: FileServer) -> None:
    files.corrupt()
    body = get(files).body
    assert len(body) == len(CONTENTS)
    assert body != CONTENTS
    files.clear()
    assert get(files).body == CONTENTS


def test_refuse_answers_with_the_status(files: FileServer) -> None:
    files.refuse(503)
    assert get(files).status == 503
    assert call(files.port, "HEAD", "/folder/data").status == 200
    files.clear()
    assert get(files).status == 200


def test_a_stopped_server_refuses_connections(files: FileServer) -> None:
    files.stop()
    with pytest.raises(ConnectionRefusedError):
        get(files)
