"""Measurements: rolled up exactly, of fixed size, right after a crash."""

import math
import random
import sys
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_localai.store.measurements import Aggregate, Measured, Resolution, add, measured_values, read
from ecs_localai.store.moments import to_microseconds
from ecs_localai.store.tables import row_sum
from tests.store.measurement_parts import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    START,
    Sample,
    add_all,
    in_plain_python,
    number_of_rows,
    opened,
    pages,
    same,
    steps,
)

numbers = st.floats(min_value=-1e12, max_value=1e12) | st.sampled_from([0.0, -1.0, 1e-300, 8_123_456_789.0])
readings = st.dictionaries(st.sampled_from(["cpu_percent", "memory_bytes", "gpu_percent", "Wärme"]), numbers)


@st.composite
def sequences(draw: st.DrawFn) -> list[Sample]:
    """Samples at irregular moments, with gaps, in the order of a clock that goes forward."""
    at = START + draw(st.integers(0, HOUR))
    samples: list[Sample] = []
    for step, values in draw(st.lists(st.tuples(steps, readings), min_size=1, max_size=120)):
        at += step
        samples.append((at, values))
    return samples


@settings(max_examples=200, deadline=None)
@given(samples=sequences(), per_transaction=st.integers(1, 10))
def test_seconds_minutes_and_hours_are_what_the_samples_say(samples: list[Sample], per_transaction: int) -> None:
    with opened() as connection:
        for begin in range(0, len(samples), per_transaction):
            add_all(connection, samples[begin : begin + per_transaction])
        last = samples[-1][0]
        for resolution in Resolution:
            # As far back as the ring reaches, everything is there: its last bucket is the one of the last sample.
            since = resolution.begin(last) - resolution.reach_us + resolution.bucket_us
            kept = [(at, values) for at, values in samples if at >= since]
            same(read(connection, since, last + 1, resolution), in_plain_python(kept, resolution.bucket_us))


def test_a_working_day_at_the_panels_pace() -> None:
    random_numbers = random.Random(5)
    samples: list[Sample] = []
    at = START
    while at < START + 26 * HOUR:
        at += 3_000_000 + random_numbers.randrange(40_000)
        if not 8 * HOUR < at - START < 10 * HOUR:  # the machine was asleep
            samples.append((at, {"cpu_percent": random_numbers.uniform(0, 100), "vram_bytes": float(at % 7_000)}))
    with opened() as connection:
        add_all(connection, samples)
        for resolution in Resolution:
            since = resolution.begin(at) - resolution.reach_us + resolution.bucket_us
            kept = [(moment, values) for moment, values in samples if moment >= since]
            same(read(connection, since, at + 1, resolution), in_plain_python(kept, resolution.bucket_us))
        assert number_of_rows(connection, Resolution.SECOND) == 3_600
        assert 1_300 < number_of_rows(connection, Resolution.MINUTE) <= 1_440


def test_the_bucket_that_is_not_over_says_what_was_measured_so_far() -> None:
    samples: list[Sample] = [(START + 5 * SECOND, {"a": 1.0}), (START + 8 * SECOND, {"a": 4.0})]
    with opened() as connection:
        add_all(connection, samples)
        for resolution in (Resolution.MINUTE, Resolution.HOUR):
            (one,) = read(connection, START, START + 10 * SECOND, resolution)
            assert one.series == {"a": Aggregate(2, 2.5, 1.0, 4.0)}
        (hour,) = read(connection, START + 9 * SECOND, START + 10 * SECOND, Resolution.HOUR)
        assert hour.at == datetime(2026, 3, 1, 9, 0, tzinfo=UTC)  # whole, though the time begins within it


def test_the_end_is_not_part_of_the_time() -> None:
    with opened() as connection:
        add_all(connection, [(START, {"a": 1.0}), (START + SECOND, {"a": 2.0})])
        (one,) = read(connection, START, START + SECOND)
        assert one == Measured(datetime(2026, 3, 1, 9, 30, tzinfo=UTC), {"a": Aggregate(1, 1.0, 1.0, 1.0)})
        assert len(read(connection, START, START + SECOND + 1)) == 2
        assert read(connection, START - HOUR, START) == []


def test_the_finest_that_reaches_back_is_taken() -> None:
    with opened() as connection:
        add_all(connection, [(START + second * SECOND, {"a": 1.0}) for second in range(0, 7_200, 3)])
        now = START + 7_200 * SECOND
        seconds = read(connection, now - HOUR, now)
        assert {(after.at - before.at).seconds for before, after in pairwise(seconds)} == {3}
        minutes = read(connection, now - HOUR - 1, now)
        assert {(after.at - before.at).seconds for before, after in pairwise(minutes)} == {60}
        assert len(read(connection, now - DAY - 1, now)) == 3  # from half past nine to half past eleven
        assert len(read(connection, now - 5_000 * DAY, now)) == 3


def test_seconds_that_were_left_from_an_older_day_do_not_take_the_place_of_newer_minutes() -> None:
    """They lie between those that are used, until a program happens to begin at their moment again."""
    monday, tuesday, wednesday = START, START + DAY + SECOND, START + 2 * DAY - HOUR
    samples: list[Sample] = [
        (begin + step * SECOND, {"a": value})
        for begin, hours, value in ((monday, 1, 1.0), (tuesday, 3, 2.0), (wednesday, 1, 3.0))
        for step in range(0, hours * 3_600, 3)
    ]
    with opened() as connection:
        add_all(connection, samples)
        now = samples[-1][0]
        since = Resolution.MINUTE.begin(now) - DAY + MINUTE
        minutes = read(connection, since, now + 1, Resolution.MINUTE)
        same(minutes, in_plain_python([one for one in samples if one[0] >= since], MINUTE))
        same(read(connection, START, now + 1, Resolution.HOUR), in_plain_python(samples, HOUR))


def test_two_programs_that_measure_at_once_are_both_counted(tmp_path: Path) -> None:
    file = tmp_path / "measurements.sqlite3"
    samples: list[Sample] = []
    with opened(file) as one, opened(file) as other:
        for step in range(0, 2 * 3_600, 3):
            for connection, delay in ((one, 0), (other, (step % 7) * 300_000)):
                sample = (START + step * SECOND + delay, {"cpu_percent": float(step % 101 + delay / SECOND)})
                add_all(connection, [sample])
                samples.append(sample)
        for connection in (one, other):
            for resolution in (Resolution.MINUTE, Resolution.HOUR):
                found = read(connection, START, START + 3 * HOUR, resolution)
                same(found, in_plain_python(samples, resolution.bucket_us))


def test_a_reader_sees_one_moment_while_another_connection_writes(tmp_path: Path) -> None:
    file = tmp_path / "measurements.sqlite3"
    with opened(file) as writer, opened(file) as reader:
        add_all(writer, [(START, {"a": 1.0})])
        reader.execute("BEGIN")
        assert len(read(reader, START, START + HOUR)) == 1
        add_all(writer, [(START + HOUR, {"a": 2.0})])  # takes the slot, and rolls up
        assert len(read(reader, START, START + 2 * HOUR, Resolution.SECOND)) == 1
        assert len(read(reader, START, START + 2 * HOUR, Resolution.MINUTE)) == 1
        reader.execute("COMMIT")
        assert len(read(reader, START, START + 2 * HOUR, Resolution.MINUTE)) == 2


def test_what_a_transaction_took_back_was_never_there(tmp_path: Path) -> None:
    """A full disk: the writer's transaction fails where a minute is rolled up, and comes again later."""
    samples: list[Sample] = [(START + step * SECOND, {"a": float(step)}) for step in range(0, 9_000, 3)]
    with opened(tmp_path / "measurements.sqlite3") as connection:
        for number, sample in enumerate(samples):
            if number % 5 == 0:
                connection.execute("BEGIN IMMEDIATE")
                for again in samples[number : number + 3]:
                    add(connection, *again)
                connection.execute("ROLLBACK")
            add_all(connection, [sample])
        for resolution in (Resolution.MINUTE, Resolution.HOUR):
            found = read(connection, START, samples[-1][0] + 1, resolution)
            same(found, in_plain_python(samples, resolution.bucket_us))


def test_after_a_crash_nothing_that_was_committed_is_missing(tmp_path: Path) -> None:
    """The file is copied with its log after a commit, as a crash leaves both; the copy goes on hours or days later."""
    file = tmp_path / "measurements.sqlite3"
    before: list[Sample] = [(START + step * SECOND, {"a": step % 89.0}) for step in range(0, 5_000, 3)]
    with opened(file) as connection:
        for begin in range(0, len(before), 50):
            add_all(connection, before[begin : begin + 50])
        for pause in (SECOND, MINUTE, HOUR, 5 * HOUR, DAY, 3 * DAY + HOUR, 40 * DAY):
            left = tmp_path / f"after-{pause}.sqlite3"
            for suffix in ("", "-wal"):
                Path(f"{left}{suffix}").write_bytes(Path(f"{file}{suffix}").read_bytes())
            begin = before[-1][0] + pause
            after: list[Sample] = [(begin + step * SECOND, {"a": -1.0 * step}) for step in range(0, 9_000, 7)]
            with opened(left) as reopened:
                add_all(reopened, after)
                now = after[-1][0]
                samples = before + after
                hours = read(reopened, START, now + 1, Resolution.HOUR)
                same(hours, in_plain_python(samples, HOUR))
                since = Resolution.MINUTE.begin(now) - DAY + MINUTE
                minutes = read(reopened, since, now + 1, Resolution.MINUTE)
                same(minutes, in_plain_python([one for one in samples if one[0] >= since], MINUTE))


def test_the_size_stays_fixed_over_two_years(tmp_path: Path) -> None:
    values = {"cpu_percent": 12.5, "memory_bytes": 8_123_456_789.0, "gpu_percent": 99.0, "vram_bytes": 1e10}
    with opened(tmp_path / "measurements.sqlite3") as connection:
        sizes = []
        for quarter in range(START, START + 736 * DAY, 92 * DAY):
            add_all(connection, [(at, values) for at in range(quarter, quarter + 92 * DAY, HOUR)])
            assert number_of_rows(connection, Resolution.HOUR) <= Resolution.HOUR.slots
            sizes.append(pages(connection))
        assert number_of_rows(connection, Resolution.HOUR) == Resolution.HOUR.slots
        assert sizes[0] < sizes[1] < sizes[2] < sizes[3]
        assert set(sizes[4:]) == {sizes[4]}
        now = START + 736 * DAY
        year = read(connection, now - 366 * DAY, now)
        assert len(year) == 366 * 24
        assert {one.series["cpu_percent"] for one in year} == {Aggregate(1, 12.5, 12.5, 12.5)}
        assert read(connection, START, START + 300 * DAY, Resolution.HOUR) == []  # longer ago than a year


def test_the_size_stays_fixed_where_everything_is_measured_all_the_time(tmp_path: Path) -> None:
    random_numbers = random.Random(3)
    with opened(tmp_path / "measurements.sqlite3") as connection:
        sizes = []
        at = START
        for steps_of_one_round in ([MINUTE] * 1_500, *[[SECOND] * 3_700, [MINUTE] * 1_500] * 3):
            samples: list[Sample] = []
            for step in steps_of_one_round:
                at += step
                # Rows of all lengths: the longest is ten times the shortest.
                count = random_numbers.randrange(1, 11)
                samples.append((at, {f"series {number}": random_numbers.random() for number in range(count)}))
            add_all(connection, samples)
            sizes.append(pages(connection))
        for resolution in (Resolution.SECOND, Resolution.MINUTE):
            assert number_of_rows(connection, resolution) == resolution.slots
        first, second, third = sizes[2::2]
        assert second <= first * 1.25  # pages that were full of short rows are split for long ones
        assert third <= second * 1.1


def test_a_damaged_row_is_passed_over_and_mended() -> None:
    with opened() as connection:
        add_all(connection, [(START + second * SECOND, {"a": 1.0}) for second in range(4)])
        table = Resolution.SECOND.table
        keys = [Resolution.SECOND.key(START + second * SECOND) for second in range(4)]
        connection.execute(f"UPDATE {table} SET value = replace(value, '1.0', '9.0') WHERE key = ?", keys[:1])
        connection.execute(f"UPDATE {table} SET value = CAST(x'ff7b7d' AS TEXT) WHERE key = ?", keys[1:2])
        connection.execute(f"UPDATE {table} SET at = at + 1 WHERE key = ?", keys[2:3])
        (left,) = read(connection, START, START + MINUTE)
        assert to_microseconds(left.at) == START + 3 * SECOND
        (minute,) = read(connection, START, START + MINUTE, Resolution.MINUTE)
        assert minute.series == {"a": Aggregate(1, 1.0, 1.0, 1.0)}
        add_all(connection, [(START, {"a": 2.0})])  # the row begins anew
        assert read(connection, START, START + 1)[0].series == {"a": Aggregate(1, 2.0, 2.0, 2.0)}
        add_all(connection, [(START + HOUR + second * SECOND, {"a": 5.0}) for second in range(4)])
        (minute, _) = read(connection, START, START + 2 * HOUR, Resolution.MINUTE)
        assert minute.series == {"a": Aggregate(2, 1.5, 1.0, 2.0)}


def test_a_row_in_a_form_that_is_not_ours_is_passed_over() -> None:
    with opened() as connection:
        table, key = Resolution.SECOND.table, Resolution.SECOND.key(START)
        for value in ("[]", '{"a": [1, "x", 1, 1]}', '{"a": 3}', "null"):
            check = row_sum(table, key, START, value)
            connection.execute(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?, ?)", (key, START, value, check))
            assert read(connection, START, START + SECOND) == []


def test_negative_tiny_and_huge_values() -> None:
    largest = sys.float_info.max
    values = {"negative": -3.5, "zero": 0.0, "tiny": 5e-324, "largest": largest, "lowest": -largest}
    with opened() as connection:
        add_all(connection, [(START, values), (START, values), (START + SECOND, values)])
        for resolution in Resolution:
            for one in read(connection, START, START + SECOND, resolution):
                for name, value in values.items():
                    aggregate = one.series[name]
                    assert (aggregate.minimum, aggregate.maximum, aggregate.mean) == (value, value, value)


def test_what_is_not_finite_is_left_out() -> None:
    values = {"a": math.nan, "b": math.inf, "c": -math.inf, "d": 10**400, "e": 7}
    assert measured_values(values) == {"e": 7.0}
    with opened() as connection:
        add_all(connection, [(START, values), (START + SECOND, {"a": math.nan}), (START + 2 * SECOND, {})])
        (one,) = read(connection, START, START + MINUTE)
        assert one.series == {"e": Aggregate(1, 7.0, 7.0, 7.0)}
        assert number_of_rows(connection, Resolution.SECOND) == 1


def test_a_name_that_is_no_text_is_refused_before_it_reaches_the_file() -> None:
    with pytest.raises(ValueError, match="surrogates not allowed"):
        measured_values({"\ud800": 1.0})


def test_many_series_that_come_and_go() -> None:
    samples: list[Sample] = [
        (START + step * 7 * SECOND, {f"series {number}": float(step * number) for number in range(step % 50, 200, 3)})
        for step in range(1_200)
    ]
    with opened() as connection:
        add_all(connection, samples)
        now = samples[-1][0] + 1
        for resolution in (Resolution.MINUTE, Resolution.HOUR):
            same(read(connection, START, now, resolution), in_plain_python(samples, resolution.bucket_us))
