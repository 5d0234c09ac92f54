"""Who of those that wait may begin, and why the others may not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ecs_localai import WaitReason
from ecs_localai.systems.installation_order import Fetch, Plan, Waiting, plan_order
from ecs_localai.systems.queue_rows import moved, reordered

NOON = datetime(2026, 11, 7, 12, tzinfo=UTC)
A, B = "http://a:11434", "http://b:11434"


def fetch(key: str, *digests: str, host: str = A, known: bool = True, names: tuple[str, ...] = ()) -> Fetch:
    """What an installation of a model of the same name fetches."""
    return Fetch(key, host, frozenset(names or (key,)), frozenset(digests) if known else None)


def plan(waiting: list[Waiting], *at_work: Fetch, at_once: int = 2) -> Plan:
    """What is decided at noon."""
    return plan_order(waiting, at_work, at_once=at_once, now=NOON)


def test_so_many_begin_on_each_host_in_their_order() -> None:
    waiting = [Waiting(fetch(f"a{n}", f"a{n}")) for n in range(3)] + [
        Waiting(fetch(f"b{n}", f"b{n}", host=B)) for n in range(3)
    ]
    decided = plan(waiting)
    assert decided.starts == ["a0", "a1", "b0", "b1"]
    assert decided.waits == {"a2": WaitReason.TURN, "b2": WaitReason.TURN}
    assert plan(waiting, fetch("x", "x"), at_once=1).starts == ["b0"]


def test_the_same_file_keeps_the_later_one_waiting_and_lets_others_pass() -> None:
    decided = plan([Waiting(fetch("two", "w2", "licence")), Waiting(fetch("three", "w3"))], fetch("one", "licence"))
    assert decided.starts == ["three"]
    assert decided.waits == {"two": WaitReason.SHARED_LAYER}
    assert decided.behind == {"two": "one"}


def test_a_host_that_was_not_asked_yet_is_said_nothing_of_and_holds_nobody_up() -> None:
    decided = plan([Waiting(fetch("one", "w"), is_away=None), Waiting(fetch("two", "w"))])
    assert (decided.starts, decided.waits) == (["two"], {})


def test_the_same_file_on_another_host_is_no_matter() -> None:
    assert plan([Waiting(fetch("one", "w", host=B))], fetch("one", "w")).starts == ["one"]


def test_one_that_waits_for_a_file_is_not_overtaken_by_others_that_need_it() -> None:
    waiting = [Waiting(fetch("two", "a", "b")), Waiting(fetch("three", "b"))]
    decided = plan(waiting, fetch("one", "a"), at_once=3)
    assert decided.starts == []
    assert decided.behind == {"two": "one", "three": "two"}


def test_the_same_model_never_runs_twice_whatever_is_known_of_its_files() -> None:
    assert plan([Waiting(fetch("again", names=("m",)))], fetch("m")).waits == {"again": WaitReason.SHARED_LAYER}


def test_while_it_is_not_known_what_is_fetched_nothing_begins_beside_it() -> None:
    unknown = Waiting(fetch("one", known=False))
    assert plan([unknown]).starts == ["one"]
    assert plan([unknown], fetch("x", "x")).waits == {"one": WaitReason.TURN}
    assert plan([Waiting(fetch("two", "w"))], fetch("one", known=False)).waits == {"two": WaitReason.TURN}


def test_paused_scheduled_and_those_without_their_host_hold_nobody_up() -> None:
    later = NOON + timedelta(hours=1)
    waiting = [
        Waiting(fetch("paused", "w"), paused=True, not_before=later, is_away=True),
        Waiting(fetch("later", "w"), not_before=later + timedelta(hours=1)),
        Waiting(fetch("sooner", "w"), not_before=later),
        Waiting(fetch("away", "w"), is_away=True, is_elsewhere=True),
        Waiting(fetch("elsewhere", "w"), is_elsewhere=True),
        Waiting(fetch("past", "w"), not_before=NOON),
    ]
    decided = plan(waiting, at_once=1)
    assert decided.starts == ["past"]
    assert decided.waits == {
        "paused": WaitReason.PAUSED,
        "later": WaitReason.SCHEDULED,
        "sooner": WaitReason.SCHEDULED,
        "away": WaitReason.HOST,
        "elsewhere": WaitReason.ELSEWHERE,
    }
    assert decided.next_moment == later


_FETCHES = st.builds(
    Fetch,
    st.uuids().map(str),
    st.sampled_from([A, B]),
    st.frozensets(st.sampled_from("mnopq"), min_size=1, max_size=2),
    st.none() | st.frozensets(st.sampled_from("12345678"), max_size=3),
)


@given(st.lists(st.builds(Waiting, _FETCHES, st.booleans(), is_away=st.booleans()), max_size=12), st.integers(1, 4))
def test_whatever_waits_none_of_those_that_begin_share_anything(waiting: list[Waiting], at_once: int) -> None:
    by_id = {one.fetch.installation_id: one for one in waiting}
    at_work: list[Fetch] = []
    for _ in range(len(waiting) + 1):
        left = [one for one in waiting if one.fetch not in at_work]
        decided = plan(left, *at_work, at_once=at_once)
        assert sorted([*decided.starts, *decided.waits]) == sorted(one.fetch.installation_id for one in left)
        for key in decided.starts:
            mine = by_id[key].fetch
            assert not by_id[key].paused
            assert not by_id[key].is_away
            assert not any(mine.shares_with(other) or mine.may_share_with(other) for other in at_work)
            at_work.append(mine)
        for host in (A, B):
            assert sum(one.host == host for one in at_work) <= at_once
        at_work = at_work[1:]  # the first one ends
        waiting = [one for one in waiting if one.fetch in at_work or one.fetch.installation_id in decided.waits]


@given(st.lists(st.integers(0, 20), min_size=1, max_size=8), st.data())
def test_after_a_move_the_positions_say_the_new_order_and_few_change(places: list[int], data: st.DataObject) -> None:
    positions = {f"i{number}": place for number, place in enumerate(sorted(places))}
    order = list(positions)
    key, by = data.draw(st.sampled_from(order)), data.draw(st.integers(-9, 9))
    wanted = moved(order, key, by)
    assert sorted(wanted) == sorted(order)
    assert wanted.index(key) == max(0, min(len(order) - 1, order.index(key) + by))
    changed = reordered(positions, wanted)
    now = positions | changed
    assert sorted(now, key=lambda one: now[one]) == wanted
    assert len(set(now.values())) == len(now)
    assert all(positions[one] != at for one, at in changed.items())
