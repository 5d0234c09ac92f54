"""Changed: what was marked, added or replaced since a system last looked; and what a mark sets off."""

from __future__ import annotations

from dataclasses import dataclass

import esper
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from ecs_localai.runtime import (
    Added,
    App,
    Changed,
    Changes,
    Last,
    MissingResourceError,
    Query,
    Res,
    SystemFailed,
    Update,
    With,
    Without,
    World,
    activity,
    chain,
    resource_changed,
    resource_exists,
    run_if,
)
from tests.runtime.runtime_parts import Clock, Frozen, Position, Velocity, noting


@dataclass(slots=True)
class Height:
    """A component that compares by value."""

    metres: float = 0.0


@dataclass(frozen=True)
class Name:
    """A component whose fields cannot be set."""

    text: str


class Watcher:
    """A system that remembers which positions it was shown as changed in its last run."""

    def __init__(self) -> None:
        self.saw: list[int] = []

    def __call__(self, query: Query[Position, Changed[Position]]) -> None:
        self.saw = sorted(entity for entity, position in query if isinstance(position, Position))


def watching(app: App) -> Watcher:
    """A watcher in the app."""
    watcher = Watcher()
    app.add_systems(Update, watcher)
    return watcher


def test_added_component_counts_as_changed_and_is_seen_once(app: App) -> None:
    watcher = watching(app)
    entity = app.world.spawn(Position())
    app.update()
    assert watcher.saw == [entity]
    app.update()
    assert watcher.saw == []


def test_marked_component_is_seen_once(app: App) -> None:
    watcher = watching(app)
    entity, _ = app.world.spawn(Position()), app.world.spawn(Position())
    app.update()
    app.world.mark_changed(entity, Position)
    app.world.mark_changed(entity, Position)
    app.update()
    assert watcher.saw == [entity]
    app.update()
    assert watcher.saw == []


def test_reading_and_writing_without_a_mark_are_no_changes(app: App) -> None:
    position = Position()
    entity = app.world.spawn(position)
    watcher = watching(app)
    app.update()
    position.x = 3.0
    assert app.world.get(entity, Position) is position
    assert len(app.world.query(Position)) == 1
    app.update()
    assert watcher.saw == []


def test_replacing_a_component_counts_as_changed_even_by_itself(app: App) -> None:
    watcher = watching(app)
    position = Position()
    entity = app.world.spawn(position)
    app.update()
    for replacement in (Position(), position, position):
        app.world.insert(entity, replacement)
        app.update()
        assert watcher.saw == [entity]


def test_mark_of_another_component_is_not_seen(app: App) -> None:
    watcher = watching(app)
    entity = app.world.spawn(Position(), Velocity())
    app.update()
    app.world.mark_changed(entity, Velocity)
    app.update()
    assert watcher.saw == []


def test_marks_of_what_is_not_there_are_not_seen(app: App) -> None:
    watcher = watching(app)
    bare, gone = app.world.spawn(Velocity()), app.world.spawn(Position())
    app.update()
    app.world.mark_changed(bare, Position)
    app.world.mark_changed(gone, Position)
    app.world.mark_changed(12345, Position)
    app.world.despawn(gone)
    app.update()
    assert watcher.saw == []


def test_system_marks_with_a_parameter_and_later_systems_see_it_in_the_same_frame(app: App) -> None:
    def move(query: Query[Position, With[Velocity]], changes: Changes[Position]) -> None:
        for entity, position in query:
            position.x += 1.0
            changes.mark(entity)

    watcher = Watcher()
    app.add_systems(Update, chain(move, watcher))
    app.world.spawn(Position())
    moving = app.world.spawn(Position(), Velocity())
    for _ in range(2):
        app.update()
    assert watcher.saw == [moving]


def test_earlier_system_sees_the_mark_in_the_next_frame(app: App) -> None:
    wanted: list[int] = []

    def mark(changes: Changes[Position]) -> None:
        while wanted:
            changes.mark(wanted.pop())

    watcher = Watcher()
    app.add_systems(Update, chain(watcher, mark))
    entity = app.world.spawn(Position())
    app.update()
    wanted.append(entity)
    app.update()
    assert watcher.saw == []
    app.update()
    assert watcher.saw == [entity]


def test_system_is_not_shown_its_own_marks_but_others_are(app: App) -> None:
    saw: list[list[int]] = []

    def react(query: Query[Position, Changed[Position]], changes: Changes[Position]) -> None:
        saw.append([entity for entity, _ in query])
        for entity, _ in query:
            changes.mark(entity)

    app.add_systems(Update, react)
    watcher = Watcher()
    app.add_systems(Last, watcher)
    entity = app.world.spawn(Position())
    app.update()
    app.update()
    assert saw == [[entity], []]
    app.world.mark_changed(entity, Position)
    app.update()
    assert saw[-1] == [entity]
    assert watcher.saw == [entity]


def test_system_that_was_skipped_misses_nothing(app: App) -> None:
    open_now = [True]
    watcher = Watcher()
    app.add_systems(Update, run_if(lambda: open_now[0], watcher))
    first, second = app.world.spawn(Position()), app.world.spawn(Position())
    app.update()
    open_now[0] = False
    app.world.mark_changed(first, Position)
    app.update()
    app.world.mark_changed(second, Position)
    app.world.spawn(Velocity())
    app.update()
    open_now[0] = True
    app.update()
    assert watcher.saw == [first, second]
    app.update()
    assert watcher.saw == []


def test_system_added_later_sees_everything_as_changed(app: App) -> None:
    entity = app.world.spawn(Position())
    early = watching(app)
    app.update()
    late = watching(app)
    app.update()
    assert early.saw == []
    assert late.saw == [entity]


def test_asking_again_in_the_same_run_sees_the_same_and_what_came_meanwhile(app: App) -> None:
    saw: list[list[int]] = []

    def look(query: Query[Position, Changed[Position]], world: World) -> None:
        if not saw:
            saw.append([entity for entity, _ in query])
            return
        saw.append([entity for entity, _ in query])
        saw.append([entity for entity, _ in query])
        world.mark_changed(second, Position)
        saw.append(sorted(entity for entity, _ in query))

    first, second = app.world.spawn(Position()), app.world.spawn(Position())
    app.add_systems(Update, look)
    app.update()
    app.world.mark_changed(first, Position)
    app.update()
    assert saw[1:] == [[first], [first], [first, second]]


def test_changed_narrows_with_other_filters_and_hands_out_what_was_asked_for(app: App) -> None:
    saw: list[list[tuple[int, Velocity]]] = []

    def look(query: Query[Velocity, Changed[Position], Without[Frozen]]) -> None:
        saw.append(query.rows())

    velocity = Velocity()
    wanted = app.world.spawn(Position(), velocity)
    frozen = app.world.spawn(Position(), Velocity(), Frozen())
    app.add_systems(Update, look)
    app.update()
    app.world.mark_changed(wanted, Position)
    app.world.mark_changed(frozen, Position)
    app.update()
    assert saw == [[(wanted, velocity)]] * 2


def test_changed_and_added_together_ask_for_both(app: App) -> None:
    saw: list[list[int]] = []

    def look(query: Query[Position, Added[Position], Changed[Velocity]]) -> None:
        saw.append([entity for entity, _ in query])

    old = app.world.spawn(Position(), Velocity())
    app.add_systems(Update, look)
    app.update()
    app.world.mark_changed(old, Velocity)
    new = app.world.spawn(Position(), Velocity())
    app.update()
    assert saw == [[old], [new]]


def test_run_condition_can_ask_for_what_changed(app: App) -> None:
    log: list[str] = []

    def moved(query: Query[Position, Changed[Position]]) -> bool:
        return bool(query)

    app.add_systems(Update, run_if(moved, noting(log, "ran")))
    entity = app.world.spawn(Position())
    app.update()
    app.update()
    assert log == ["ran"]
    app.world.mark_changed(entity, Position)
    app.update()
    assert log == ["ran", "ran"]


def test_set_if_neq_marks_only_another_value_and_keeps_the_component(app: App) -> None:
    saw: list[list[int]] = []
    answers: list[bool] = []

    def grow(query: Query[Height], changes: Changes[Height]) -> None:
        for entity, _ in query:
            answers.append(changes.set_if_neq(entity, Height(2.0)))

    def look(query: Query[Height, Changed[Height]]) -> None:
        saw.append([entity for entity, _ in query])

    height = Height(2.0)
    entity = app.world.spawn(height)
    app.add_systems(Update, chain(grow, look))
    app.update()
    app.update()
    height.metres = 1.0
    app.update()
    assert answers == [False, False, True]
    assert saw == [[entity], [], [entity]]
    assert app.world.get(entity, Height) is height
    assert height == Height(2.0)


def test_set_if_neq_changes_no_structure_unless_the_component_cannot_be_written(app: App) -> None:
    entity = app.world.spawn(Height(), Name("oak"))
    with app.world.active():
        before = esper.get_component(Height)
        assert app.world.set_if_neq(entity, Height(1.0))
        assert esper.get_component(Height) is before
        assert not app.world.set_if_neq(entity, Name("oak"))
        assert app.world.set_if_neq(entity, Name("ash"))
        assert esper.get_component(Height) is not before
    assert app.world.get(entity, Name) == Name("ash")


def test_set_if_neq_does_nothing_where_there_is_no_such_component(app: App) -> None:
    entity = app.world.spawn(Velocity())
    assert not app.world.set_if_neq(entity, Height(1.0))
    assert not app.world.set_if_neq(12345, Height(1.0))
    assert not app.world.has(entity, Height)


def test_mark_wakes_an_idle_set_whether_somebody_looks_or_not(app: App) -> None:
    log: list[str] = []
    app.add_systems(Update, run_if(activity, noting(log, "ran")))
    entity = app.world.spawn(Position())
    for looked_for in (False, True):
        if looked_for:
            watching(app)
        app.update(1.0)
        app.update(1.0)
        log.clear()
        app.update(1.0)
        assert log == []
        assert app.idle_delay() is None
        app.world.mark_changed(entity, Position)
        assert app.idle_delay() == 0.0
        app.update(1.0)
        assert log == ["ran"]
        assert app.idle_delay() is None


def test_mark_made_in_the_middle_of_a_frame_wants_one_more_frame(app: App) -> None:
    log: list[str] = []
    wanted: list[int] = []

    def mark(changes: Changes[Position]) -> None:
        while wanted:
            changes.mark(wanted.pop())

    watcher = Watcher()
    app.add_systems(Update, chain(run_if(activity, noting(log, "ran")), mark, watcher))
    entity = app.world.spawn(Position())
    app.update(1.0)
    app.update(1.0)
    log.clear()
    wanted.append(entity)
    app.update(1.0)
    assert (log, watcher.saw, app.idle_delay()) == ([], [entity], 0.0)
    app.update(1.0)
    assert (log, watcher.saw, app.idle_delay()) == (["ran"], [], None)


def test_resource_changed_holds_after_insertion_replacement_and_mark(app: App) -> None:
    log: list[str] = []
    app.add_systems(Update, run_if(resource_changed(Clock), noting(log, "changed")))
    app.update()
    assert log == [], "it is not there"
    for change in (
        lambda: app.insert_resource(Clock()),
        lambda: app.insert_resource(Clock()),
        lambda: app.world.mark_resource_changed(Clock),
    ):
        change()
        app.update()
        app.update()
        assert log == ["changed"]
        log.clear()
    app.world.remove_resource(Clock)
    app.update()
    assert log == []


def test_resource_changed_asked_late_misses_nothing_and_each_condition_asks_for_itself(app: App) -> None:
    log: list[str] = []
    open_now = [False]
    app.insert_resource(Clock())
    app.add_systems(
        Update,
        run_if(resource_changed(Clock), noting(log, "always")),
        run_if(resource_changed(Clock), run_if(lambda: open_now[0], noting(log, "sometimes"))),
    )
    app.update()
    app.update()
    assert log == ["always"]
    open_now[0] = True
    app.update()
    app.update()
    assert log == ["always", "sometimes"]


def test_resource_exists_follows_insertion_and_removal(app: App) -> None:
    seen: list[int] = []

    def look(clock: Res[Clock]) -> None:
        seen.append(clock.ticks)

    app.add_systems(Update, run_if(resource_exists(Clock), look))
    app.update()
    app.insert_resource(Clock(4))
    app.update()
    app.world.remove_resource(Clock)
    app.update()
    assert seen == [4]


def test_changed_resource_wakes_an_idle_set(app: App) -> None:
    log: list[str] = []
    app.insert_resource(Clock())
    app.add_systems(Update, run_if(activity, noting(log, "ran")))
    for _ in range(3):
        app.update(1.0)
    log.clear()
    app.update(1.0)
    assert log == []
    app.world.mark_resource_changed(Clock)
    assert app.idle_delay() == 0.0
    app.update(1.0)
    app.update(1.0)
    assert log == ["ran"]


def test_marking_a_resource_that_is_not_there_is_an_error(app: App) -> None:
    with pytest.raises(MissingResourceError, match="Clock"):
        app.world.mark_resource_changed(Clock)


class ChangedModel(RuleBasedStateMachine):
    """Marks and structural changes, by us and by plain esper, in any order, against a note of what each look shows."""

    entities = Bundle("entities")

    def __init__(self) -> None:
        super().__init__()
        self.app = App()
        self.open = True
        self.every = watching(self.app)
        self.sometimes = Watcher()
        self.app.add_systems(Update, run_if(lambda: self.open, self.sometimes))
        self.shown: dict[str, dict[int, Position]] = {"every": {}, "sometimes": {}}
        self.marked: dict[str, set[int]] = {"every": set(), "sometimes": set()}

    @rule(target=entities, plain=st.booleans())
    def spawn(self, plain: bool) -> int:
        if plain:
            with self.app.world.active():
                return esper.create_entity(Position())
        return self.app.world.spawn(Position(), Velocity())

    @rule(entity=entities)
    def mark(self, entity: int) -> None:
        self.app.world.mark_changed(entity, Position)
        for marked in self.marked.values():
            marked.add(entity)

    @rule(entity=entities)
    def replace(self, entity: int) -> None:
        self.app.world.insert(entity, Position())

    @rule(entity=entities)
    def take_away(self, entity: int) -> None:
        self.app.world.remove(entity, Position)

    @rule(entity=consumes(entities))
    def despawn(self, entity: int) -> None:
        self.app.world.despawn(entity)

    @rule()
    def clear(self) -> None:
        with self.app.world.active():
            esper.clear_database()

    @rule(opened=st.booleans())
    def frame(self, opened: bool) -> None:
        self.open = opened
        self.app.update(0.1)
        now = dict(self.app.world.query(Position))
        assert self.every.saw == self._changed("every", now)
        if opened:
            assert self.sometimes.saw == self._changed("sometimes", now)

    def _changed(self, who: str, now: dict[int, Position]) -> list[int]:
        before, marked = self.shown[who], self.marked[who]
        self.shown[who], self.marked[who] = now, set()
        return sorted(
            entity for entity, position in now.items() if entity in marked or before.get(entity) is not position
        )

    @invariant()
    def nothing_failed(self) -> None:
        assert self.app.events(SystemFailed).buffer == []

    def teardown(self) -> None:
        self.app.shutdown()


TestChangedModel = ChangedModel.TestCase
TestChangedModel.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


def test_all_rows_of_a_query_are_marked_at_once(app: App) -> None:
    shown: list[set[int]] = []

    def move(rows: Query[Position, With[Velocity]], changes: Changes[Position]) -> None:
        for _, position in rows:
            position.x += 1.0
        changes.mark_all(rows)

    def look(changed: Query[Position, Changed[Position]]) -> None:
        shown.append({entity for entity, _ in changed})

    app.add_systems(Update, chain(move, look))
    moving = {app.world.spawn(Position(), Velocity()) for _ in range(3)}
    still = app.world.spawn(Position())
    app.update()
    app.update()
    app.world.despawn(gone := moving.pop())
    moving.add(app.world.spawn(Position(), Velocity()))
    app.update()
    assert shown == [moving - {max(moving)} | {gone, still}, moving - {max(moving)} | {gone}, moving]


def test_fresh_rows_are_marked_at_once_too(app: App) -> None:
    shown: list[set[int]] = []

    def begin(new: Query[Position, Added[Velocity]], changes: Changes[Position]) -> None:
        changes.mark_all(new)

    def look(changed: Query[Position, Changed[Position]]) -> None:
        shown.append({entity for entity, _ in changed})

    app.add_systems(Update, chain(begin, look))
    entity = app.world.spawn(Position())
    app.update()
    app.world.insert(entity, Velocity())
    app.update()
    app.update()
    assert shown == [{entity}, {entity}, set()]
