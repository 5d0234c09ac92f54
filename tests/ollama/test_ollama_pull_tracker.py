"""The progress of a pull, folded out of lines recorded from real pulls."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_localai.ollama.errors import BadReply
from ecs_localai.ollama.pull import PullPhase, PullProgress, PullTracker
from tests.ollama.ollama_parts import ProgressLog, recorded_lines

ALL = ["fresh", "present", "resumed", "rolled_back", "client2", "corrupt", "missing", "down", "cancelled"]
WHOLE = ["fresh", "present", "resumed", "rolled_back", "client2"]


def _sizes(name: str) -> dict[str, int]:
    """The sizes of a recording's layers, as the manifest has them."""
    lines = [msgspec.json.decode(line, type=dict[str, object]) for line in recorded_lines(name)]
    return {str(line["digest"]): int(str(line["total"])) for line in lines if "digest" in line}


def _run(name: str, expected: dict[str, int] | None = None, batch: int = 1) -> tuple[PullTracker, ProgressLog]:
    tracker, log = PullTracker(expected), ProgressLog()
    lines = recorded_lines(name)
    for at in range(0, len(lines), batch):
        progress = tracker.feed(lines[at : at + batch])
        if progress is not None:
            log(progress)
    return tracker, log


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("known", [True, False])
def test_a_whole_pull_ends_at_everything(name: str, known: bool) -> None:
    sizes = _sizes(name)
    tracker, log = _run(name, sizes if known else None)
    assert tracker.succeeded
    assert tracker.error is None
    assert log.last.phase is PullPhase.DONE
    assert log.last.fraction == 1.0
    assert log.last.bytes_downloaded == log.last.total_bytes == sum(sizes.values())
    assert log.last.layers_done == log.last.layers_known == len(sizes)
    assert log.last.rolled_back_bytes == 0
    assert tracker.layers_seen == tuple(sizes)
    assert log.last.status == "success"


@pytest.mark.parametrize("name", ALL)
@given(batches=st.lists(st.integers(1, 60), min_size=1, max_size=8), known=st.booleans())
def test_batches_of_lines_end_like_single_lines(name: str, batches: list[int], known: bool) -> None:
    sizes = _sizes(name) if known else None
    single, _ = _run(name, sizes)
    tracker, log = PullTracker(sizes), ProgressLog()
    lines = recorded_lines(name)
    at = turn = 0
    while at < len(lines):
        size = batches[turn % len(batches)]
        if (progress := tracker.feed(lines[at : at + size])) is not None:
            log(progress)
        at, turn = at + size, turn + 1
    assert (tracker.succeeded, tracker.error) == (single.succeeded, single.error)
    assert tracker.layers_seen == single.layers_seen
    last, whole = tracker.progress, single.progress
    # A batch may hide a moment's peak from which the server rolled back; nothing else may differ.
    assert last.total_bytes == whole.total_bytes
    assert last.bytes_downloaded - last.rolled_back_bytes == whole.bytes_downloaded - whole.rolled_back_bytes
    assert (last.phase, last.layer, last.layers_done, last.bytes_present) == (
        whole.phase,
        whole.layer,
        whole.layers_done,
        whole.bytes_present,
    )


def test_the_manifest_makes_the_total_known_from_the_first_line() -> None:
    sizes = _sizes("fresh")
    _, log = _run("fresh", sizes)
    assert {entry.total_bytes for entry in log.entries} == {sum(sizes.values())}


def test_without_the_manifest_the_bar_is_not_full_before_the_end() -> None:
    _, log = _run("fresh")
    downloading = [entry for entry in log.entries if entry.phase is PullPhase.DOWNLOADING]
    assert all((entry.fraction or 0) < 1 for entry in downloading)


def test_a_rollback_is_told_apart_and_never_goes_backwards() -> None:
    _, log = _run("rolled_back")
    worst = max(entry.rolled_back_bytes for entry in log.entries)
    assert worst > 40_000_000
    at_worst = next(entry for entry in log.entries if entry.rolled_back_bytes == worst)
    assert at_worst.bytes_downloaded >= worst


def test_what_was_there_before_is_told_apart() -> None:
    _, present = _run("present")
    assert present.last.bytes_present == present.last.total_bytes
    _, resumed = _run("resumed")
    assert 40_000_000 < resumed.last.bytes_present < 60_000_000


@pytest.mark.parametrize(
    ("name", "error"),
    [("corrupt", "digest mismatch"), ("missing", "file does not exist"), ("down", "connection refused")],
)
def test_an_error_line_is_final(name: str, error: str) -> None:
    tracker, _ = _run(name)
    assert tracker.error is not None
    assert error in tracker.error
    assert not tracker.succeeded
    assert tracker.safe_to_close
    tracker.feed([b'{"status":"writing manifest"}', b'{"status":"success"}', b'{"error":"another"}'])
    assert error in tracker.error
    assert not tracker.succeeded


def test_a_pull_that_broke_off_has_not_succeeded() -> None:
    tracker, log = _run("cancelled")
    assert not tracker.succeeded
    assert tracker.error is None
    assert log.last.phase is PullPhase.DOWNLOADING


def test_success_counts_only_as_the_last_line() -> None:
    tracker, succeeded = PullTracker(), []
    for line in (b'{"status":"success"}', b'{"status":"something else"}', b'{"status":"success"}'):
        tracker.feed([line])
        succeeded.append(tracker.succeeded)
    assert succeeded == [True, False, True]


def test_an_error_after_success_is_a_failure() -> None:
    tracker = PullTracker()
    tracker.feed([b'{"status":"success"}', b'{"error":"no space left on device"}'])
    assert not tracker.succeeded


def test_an_error_beside_progress_in_one_line_is_seen() -> None:
    tracker = PullTracker()
    start = b'{"status":"pulling a","digest":"sha256:a","total":100,"completed":'
    tracker.feed([start + b"10}", start + b'20,"error":"boom"}', start + b"30}"])
    assert tracker.error == "boom"
    assert tracker.progress.bytes_downloaded == 10


def test_leaving_is_safe_only_once_the_layer_at_hand_has_a_size() -> None:
    steps = [
        (b'{"status":"pulling manifest"}', False),
        # Joined another pull, which is still asking for the size.
        (b'{"status":"pulling a","digest":"sha256:a"}', False),
        (b'{"status":"pulling a","digest":"sha256:a","total":100}', True),
        # The size of the next layer may be asked for right now.
        (b'{"status":"pulling a","digest":"sha256:a","total":100,"completed":100}', False),
        (b'{"status":"pulling b","digest":"sha256:b"}', False),
        (b'{"status":"pulling b","digest":"sha256:b","total":10,"completed":3}', True),
        (b'{"status":"verifying sha256 digest"}', True),
        (b'{"status":"success"}', True),
    ]
    tracker, safe = PullTracker(), []
    for line, _ in steps:
        tracker.feed([line])
        safe.append(tracker.safe_to_close)
    assert safe == [expected for _, expected in steps]
    assert not PullTracker().safe_to_close


def test_a_layer_is_done_when_the_next_begins() -> None:
    tracker = PullTracker()
    tracker.feed([b'{"status":"pulling a","digest":"sha256:a","total":100,"completed":60}'])
    assert tracker.progress.layers_done == 0
    progress = tracker.feed([b'{"status":"pulling b","digest":"sha256:b","total":10}'])
    assert progress is not None
    assert (progress.layers_done, progress.bytes_downloaded, progress.total_bytes) == (1, 100, 110)


def test_a_manifest_that_has_moved_is_forgotten() -> None:
    tracker = PullTracker({"sha256:old": 1000, "sha256:a": 100})
    assert tracker.progress.total_bytes == 1100
    tracker.feed([b'{"status":"pulling a","digest":"sha256:a","total":100,"completed":100}'])
    tracker.feed([b'{"status":"pulling new","digest":"sha256:new","total":50,"completed":5}'])
    assert tracker.progress.total_bytes == 150
    assert tracker.progress.bytes_downloaded == 105


def test_the_made_up_digest_of_mlx_models_replaces_the_layers() -> None:
    tracker = PullTracker({"sha256:" + "a" * 64: 600, "sha256:" + "b" * 64: 400})
    lines = [b'{"status":"pulling model","digest":"sha256:model","total":1000,"completed":%d}' % n for n in (1, 500)]
    tracker.feed([b'{"status":"pulling manifest"}', *lines])
    assert (tracker.progress.bytes_downloaded, tracker.progress.total_bytes) == (500, 1000)
    tracker.feed([b'{"status":"writing manifest"}', b'{"status":"success"}'])
    assert tracker.succeeded
    assert tracker.progress.bytes_downloaded == 1000


def test_nothing_is_told_when_nothing_changed() -> None:
    tracker = PullTracker()
    line = b'{"status":"pulling a","digest":"sha256:a","total":100,"completed":60}'
    assert tracker.feed([line]) is not None
    assert tracker.feed([line]) is None
    assert tracker.feed([line, line]) is None
    assert tracker.feed([]) is None


def test_completed_may_be_more_digits_or_go_missing_in_between() -> None:
    tracker = PullTracker()
    start = b'{"status":"pulling a","digest":"sha256:a","total":5000000000,"completed":'
    tracker.feed([start + b"9}", start + b"4999999999}"])
    assert tracker.completed_sum == 4_999_999_999
    tracker.feed([b'{"status":"pulling a","digest":"sha256:a","total":5000000000}'])
    assert tracker.completed_sum == 0
    assert tracker.progress.rolled_back_bytes == 4_999_999_999
    tracker.feed([start + b"7}"])
    assert tracker.completed_sum == 7


@pytest.mark.parametrize("line", [b"<html>", b'{"status":', b"[1]", b'{"status":"x"} trailing', b"\xff\xfe", b"null"])
def test_a_line_that_is_no_json_object_is_a_bad_reply(line: bytes) -> None:
    with pytest.raises(BadReply):
        PullTracker().feed([line])


_LINES = st.lists(
    st.one_of(
        st.builds(
            lambda digest, total, completed, status: msgspec.json.encode(
                {"status": status, "digest": f"sha256:{digest}", "total": total, "completed": completed}
            ),
            st.sampled_from("abc"),
            st.integers(0, 1000),
            st.integers(0, 1000),
            st.sampled_from(["", "pulling x"]),
        ),
        st.sampled_from([b'{"status":"pulling manifest"}', b'{"status":"odd"}', b'{"digest":"sha256:a"}']),
    ),
    max_size=40,
)


@given(_LINES, st.booleans())
def test_whatever_the_server_says_progress_never_goes_backwards(lines: list[bytes], known: bool) -> None:
    tracker = PullTracker({"sha256:a": 500, "sha256:b": 7} if known else None)
    before = PullProgress()
    for line in lines:
        tracker.feed([line])
        now = tracker.progress
        assert now.bytes_downloaded >= before.bytes_downloaded
        assert (now.fraction or 0) >= (before.fraction or 0)
        assert 0 <= now.bytes_downloaded <= now.total_bytes
        assert now.rolled_back_bytes >= 0
        assert now.layers_done <= now.layers_known
        before = now


def test_what_earlier_pulls_had_is_believed_until_the_server_says_otherwise() -> None:
    had = {"sha256:a": 80, "sha256:b": 10}
    tracker = PullTracker({"sha256:a": 100, "sha256:b": 10}, had)
    assert (tracker.progress.bytes_downloaded, tracker.progress.refetched_bytes) == (90, 0)
    tracker.feed([b'{"status":"pulling a","digest":"sha256:a","total":100,"completed":80}'])
    assert (tracker.progress.bytes_downloaded, tracker.progress.rolled_back_bytes) == (90, 0)
    tracker.feed([b'{"status":"pulling a","digest":"sha256:a","total":100,"completed":100}'])
    tracker.feed([b'{"status":"pulling b","digest":"sha256:b","total":10}'])
    progress = tracker.progress
    assert (progress.bytes_downloaded, progress.rolled_back_bytes, progress.refetched_bytes) == (110, 10, 10)
    assert progress.transferred_bytes == 20


def test_what_the_server_throws_away_is_summed_up() -> None:
    tracker = PullTracker({"sha256:a": 100}, {"sha256:a": 50})
    start = b'{"status":"pulling a","digest":"sha256:a","total":100,"completed":'
    for completed in (0, 30, 10, 100):
        tracker.feed([start + b"%d}" % completed])
    assert (tracker.progress.refetched_bytes, tracker.progress.transferred_bytes) == (70, 120)
    assert tracker.progress.rolled_back_bytes == 0


def test_layers_are_told_anew_only_where_somebody_could_see_it() -> None:
    tracker = PullTracker({"sha256:a": 1000, "sha256:b": 10})
    start = b'{"status":"pulling a","digest":"sha256:a","total":1000,"completed":'
    tracker.feed([start + b"100}"])
    told = tracker.progress.layers
    tracker.feed([start + b"104}"])
    assert tracker.progress.layers is told
    tracker.feed([start + b"105}"])
    assert [(one.downloaded, one.is_done) for one in tracker.progress.layers] == [(105, False), (0, False)]
    tracker.feed([b'{"status":"pulling b","digest":"sha256:b","total":10,"completed":10}'])
    assert [(one.downloaded, one.is_done) for one in tracker.progress.layers] == [(1000, True), (10, True)]


def test_a_size_that_only_the_manifest_says_makes_leaving_no_safer() -> None:
    """The server may still be asking for it: it must have said it itself."""
    tracker = PullTracker({"sha256:a": 100}, {"sha256:a": 50})
    tracker.feed([b'{"status":"pulling a","digest":"sha256:a"}'])
    assert not tracker.safe_to_close
    tracker.feed([b'{"status":"pulling a","digest":"sha256:a","total":100}'])
    assert tracker.safe_to_close
