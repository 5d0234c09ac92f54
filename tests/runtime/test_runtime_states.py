"""States: what runs when one is left or entered, and when that is."""

from __future__ import annotations

from enum import auto

import esper
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_localai.runtime import (
    App,
    DespawnOnExit,
    EventReader,
    FixedUpdate,
    MissingResourceError,
    NextState,
    OnEnter,
    OnExit,
    OnTransition,
    PostStartup,
    PreStartup,
    PreUpdate,
    ReactiveRunner,
    Res,
    RuntimeSetupError,
    ScheduleError,
    Startup,
    State,
    States,
    StateTransition,
    StateTransitionEvent,
    SystemFailed,
    SystemSet,
    Update,
    in_set,
    in_state,
    run_if,
    state_changed,
)
from tests.runtime.runtime_parts import Position, broken, noting, the_failure


class GameState(States):
    """Where a game is."""

    MENU = auto()
    PLAY = auto()
    OVER = auto()


class Sound(States):
    """Another type of states in the same app."""

    ON = auto()
    OFF = auto()


def watched(app: App, *states: type[States]) -> list[str]:
    """What happens in the app's transitions from now on, in order; without types, in those of `GameState`."""
    log: list[str] = []
    for state in [one for kind in states or (GameState,) for one in kind]:
        app.add_systems(OnEnter(state), noting(log, f"enter {state.name}"))
        app.add_systems(OnExit(state), noting(log, f"exit {state.name}"))
    return log


def go(app: App, state: GameState) -> None:
    """Ask for a state."""
    app.world.resource(NextState[GameState]).set(state)


def test_first_state_is_entered_before_startup(app: App) -> None:
    app.init_state(GameState.MENU).init_state(Sound.ON)
    log = watched(app, GameState, Sound)
    for label in (PreStartup, Startup, PostStartup, PreUpdate, Update):
        app.add_systems(label, noting(log, label.name))
    app.update(0.0)
    assert log == ["enter MENU", "enter ON", "PreStartup", "Startup", "PostStartup", "PreUpdate", "Update"]
    app.update(0.0)
    assert log[-2:] == ["PreUpdate", "Update"]
    assert len(log) == 9


def test_transition_takes_place_between_pre_update_and_fixed_update(app: App) -> None:
    app.init_state(GameState.MENU)
    app.update(0.0)
    log = watched(app)
    app.add_systems(OnTransition(GameState.MENU, GameState.PLAY), noting(log, "menu to play"))
    app.add_systems(OnTransition(GameState.PLAY, GameState.MENU), noting(log, "play to menu"))
    for label in (PreUpdate, StateTransition, FixedUpdate, Update):
        app.add_systems(label, noting(log, label.name))
    go(app, GameState.PLAY)
    assert app.world.resource(State[GameState]).get() is GameState.MENU
    app.update(1 / 64)
    expected = ["exit MENU", "menu to play", "enter PLAY"]
    assert log == ["PreUpdate", *expected, "StateTransition", "FixedUpdate", "Update"]
    assert app.world.resource(State[GameState]).get() is GameState.PLAY


def test_state_asked_for_in_update_is_entered_in_the_next_frame(app: App) -> None:
    app.init_state(GameState.MENU)
    seen: list[GameState] = []

    def play(now: Res[State[GameState]], next_state: Res[NextState[GameState]]) -> None:
        seen.append(now.get())
        next_state.set(GameState.PLAY)

    app.add_systems(Update, play)
    app.update(0.0)
    app.update(0.0)
    assert seen == [GameState.MENU, GameState.PLAY]


def test_state_asked_for_in_startup_is_entered_in_the_same_frame(app: App) -> None:
    app.init_state(GameState.MENU)
    log = watched(app)

    def play(next_state: Res[NextState[GameState]]) -> None:
        next_state.set(GameState.PLAY)

    app.add_systems(Startup, play)
    app.add_systems(Update, noting(log, "Update"))
    app.update(0.0)
    assert log == ["enter MENU", "exit MENU", "enter PLAY", "Update"]


def test_state_asked_for_on_entering_waits_for_the_next_frame(app: App) -> None:
    app.init_state(GameState.MENU)
    app.update(0.0)

    def over(next_state: Res[NextState[GameState]]) -> None:
        next_state.set(GameState.OVER)

    app.add_systems(OnEnter(GameState.PLAY), over)
    go(app, GameState.PLAY)
    app.update(0.0)
    assert app.world.resource(State[GameState]).get() is GameState.PLAY
    app.update(0.0)
    assert app.world.resource(State[GameState]).get() is GameState.OVER


def test_first_state_is_entered_even_if_another_was_asked_for_at_once(app: App) -> None:
    app.init_state(GameState.MENU)
    log = watched(app)
    go(app, GameState.PLAY)
    app.update(0.0)
    assert log == ["enter MENU", "exit MENU", "enter PLAY"]


def test_last_to_ask_wins(app: App) -> None:
    app.init_state(GameState.MENU)
    app.update(0.0)
    log = watched(app)
    go(app, GameState.PLAY)
    go(app, GameState.OVER)
    app.update(0.0)
    assert log == ["exit MENU", "enter OVER"]


def test_request_can_be_taken_back(app: App) -> None:
    app.init_state(GameState.MENU)
    app.update(0.0)
    log = watched(app)
    go(app, GameState.PLAY)
    assert app.world.resource(NextState[GameState]).pending is GameState.PLAY
    app.world.resource(NextState[GameState]).reset()
    app.update(0.0)
    assert log == []
    assert app.world.resource(State[GameState]).get() is GameState.MENU


def test_setting_the_current_state_leaves_and_enters_it_again(app: App) -> None:
    app.init_state(GameState.MENU)
    app.update(0.0)
    log = watched(app)
    app.add_systems(OnTransition(GameState.MENU, GameState.MENU), noting(log, "again"))
    go(app, GameState.MENU)
    app.update(0.0)
    assert log == ["exit MENU", "again", "enter MENU"]


def test_setting_the_current_state_if_it_is_another_does_nothing(app: App) -> None:
    app.init_state(GameState.MENU)
    app.update(0.0)
    log = watched(app)
    app.world.resource(NextState[GameState]).set_if_neq(GameState.MENU)
    app.update(0.0)
    assert log == []
    app.world.resource(NextState[GameState]).set_if_neq(GameState.PLAY)
    app.update(0.0)
    assert log == ["exit MENU", "enter PLAY"]


def test_all_types_are_left_before_one_is_entered(app: App) -> None:
    app.init_state(GameState.MENU).init_state(Sound.ON)
    app.update(0.0)
    log = watched(app, GameState, Sound)
    go(app, GameState.PLAY)
    app.world.resource(NextState[Sound]).set(Sound.OFF)
    app.update(0.0)
    assert log == ["exit MENU", "exit ON", "enter PLAY", "enter OFF"]


def test_each_type_of_states_has_resources_of_its_own(app: App) -> None:
    app.init_state(GameState.MENU).init_state(Sound.ON)
    assert app.world.resource(State[GameState]).get() is GameState.MENU
    assert app.world.resource(State[Sound]).get() is Sound.ON
    assert State.of(GameState) is State[GameState]
    assert repr(app.world.resource(State[Sound])) == "State(Sound.ON)"


def test_every_transition_is_an_event(app: App) -> None:
    app.init_state(GameState.MENU)
    seen: list[StateTransitionEvent] = []

    def read(reader: EventReader[StateTransitionEvent]) -> None:
        seen.extend(reader.read())

    app.add_systems(Update, read)
    app.update(0.0)
    go(app, GameState.PLAY)
    app.update(0.0)
    app.update(0.0)
    assert seen == [
        StateTransitionEvent(None, GameState.MENU),
        StateTransitionEvent(GameState.MENU, GameState.PLAY),
    ]


def test_entity_is_deleted_when_its_state_is_left(app: App) -> None:
    app.init_state(GameState.PLAY)
    app.update(0.0)
    here = app.world.spawn(Position(), DespawnOnExit(GameState.PLAY))
    others = [app.world.spawn(DespawnOnExit(GameState.MENU)), app.world.spawn(Position())]
    seen: list[tuple[str, bool]] = []
    app.add_systems(OnExit(GameState.PLAY), lambda: seen.append(("exit", app.world.exists(here))))
    app.add_systems(OnEnter(GameState.OVER), lambda: seen.append(("enter", app.world.exists(here))))
    app.update(0.0)
    assert app.world.exists(here)
    go(app, GameState.OVER)
    app.update(0.0)
    assert seen == [("exit", True), ("enter", False)]
    assert all(app.world.exists(entity) for entity in others)


def test_entity_of_a_state_is_deleted_when_the_state_is_entered_again(app: App) -> None:
    app.init_state(GameState.PLAY)
    app.update(0.0)
    old = app.world.spawn(DespawnOnExit(GameState.PLAY))
    new: list[int] = []
    app.add_systems(OnEnter(GameState.PLAY), lambda: new.append(app.world.spawn(DespawnOnExit(GameState.PLAY))))
    go(app, GameState.PLAY)
    app.update(0.0)
    assert not app.world.exists(old)
    assert [app.world.exists(entity) for entity in new] == [True]


def test_entity_that_the_host_deleted_meanwhile_breaks_nothing(host_world: str) -> None:
    with App(world=host_world) as app:
        app.init_state(GameState.PLAY)
        esper.process()
        entity = esper.create_entity(DespawnOnExit(GameState.PLAY))
        esper.delete_entity(entity)
        go(app, GameState.MENU)
        esper.process()
        assert app.world.resource(State[GameState]).get() is GameState.MENU


def test_systems_that_run_in_a_state(app: App) -> None:
    app.init_state(GameState.MENU)
    log: list[str] = []
    app.add_systems(Update, run_if(in_state(GameState.MENU), noting(log, "menu")))
    app.add_systems(Update, run_if(in_state(GameState.PLAY), noting(log, "play")))
    app.add_systems(Update, run_if(in_state(Sound.ON), noting(log, "there is no sound")))
    app.update(0.0)
    go(app, GameState.PLAY)
    app.update(0.0)
    assert log == ["menu", "play"]


def test_state_change_is_seen_once_by_each_who_asks(app: App) -> None:
    app.init_state(GameState.MENU)
    log: list[str] = []
    changed = state_changed(GameState)
    app.add_systems(Update, run_if(changed, noting(log, "a"), noting(log, "b")))
    app.update(0.0)
    assert sorted(log) == ["a", "b"]
    app.update(0.0)
    go(app, GameState.MENU)
    app.update(0.0)
    assert len(log) == 2
    go(app, GameState.PLAY)
    app.update(0.0)
    app.update(0.0)
    assert len(log) == 4


def test_state_change_without_states_never_holds(app: App) -> None:
    log: list[str] = []
    app.add_systems(Update, run_if(state_changed(GameState), noting(log, "changed")))
    app.update(0.0)
    assert log == []


def test_systems_of_a_transition_may_be_in_sets_with_conditions(app: App) -> None:
    class Steps(SystemSet):
        ALL = auto()

    app.init_state(GameState.MENU)
    log: list[str] = []

    def asked() -> bool:
        log.append("asked")
        return True

    app.configure_sets(OnEnter(GameState.MENU), run_if(asked, Steps.ALL))
    app.add_systems(OnEnter(GameState.MENU), in_set(Steps.ALL, noting(log, "a"), noting(log, "b")))
    go(app, GameState.MENU)
    app.update(0.0)
    assert [one for one in log if one == "asked"] == ["asked"] * 2, "once for each of the two runs in this frame"
    assert len(log) == 6


def test_failing_system_does_not_stop_a_transition(app: App, failures: list[SystemFailed]) -> None:
    app.init_state(GameState.MENU)
    app.update(0.0)
    log = watched(app)
    app.add_systems(OnExit(GameState.MENU), broken())
    go(app, GameState.PLAY)
    app.update(0.0)
    assert log == ["exit MENU", "enter PLAY"]
    assert "OnExit(GameState.MENU)" in str(the_failure(failures))


def test_state_added_in_a_running_app_is_entered_in_the_next_frame(app: App) -> None:
    log: list[str] = []

    def begin() -> None:
        app.init_state(GameState.MENU)
        app.add_systems(OnEnter(GameState.MENU), noting(log, "enter MENU"))

    app.add_systems(Startup, begin)
    app.update(0.0)
    assert log == []
    app.update(0.0)
    assert log == ["enter MENU"]


def test_sleeping_runner_wakes_for_a_state(app: App) -> None:
    app.init_state(GameState.MENU)

    def play(next_state: Res[NextState[GameState]]) -> None:
        if app.time.frame == 1:
            next_state.set(GameState.PLAY)

    app.add_systems(Update, play)
    app.add_systems(OnEnter(GameState.PLAY), lambda: app.exit(7))
    assert ReactiveRunner()(app) == 7


def test_same_first_state_twice_is_once(app: App) -> None:
    app.init_state(GameState.MENU).init_state(GameState.MENU)
    log = watched(app)
    app.update(0.0)
    assert log == ["enter MENU"]


def test_two_first_states_are_an_error(app: App) -> None:
    app.init_state(GameState.MENU)
    with pytest.raises(RuntimeSetupError, match=r"begins in GameState\.MENU already, not in .*NextState"):
        app.init_state(GameState.PLAY)


def test_something_else_as_a_state_is_an_error(app: App) -> None:
    with pytest.raises(RuntimeSetupError, match="derive its class from States"):
        app.init_state("menu")  # type: ignore[arg-type]  # the mistake


def test_state_of_another_type_cannot_be_set(app: App) -> None:
    app.init_state(GameState.MENU)
    with pytest.raises(TypeError, match=r"Sound\.ON is no GameState.*GameState\.MENU, GameState\.PLAY"):
        app.world.resource(NextState[GameState]).set(Sound.ON)  # type: ignore[arg-type]  # the mistake


def test_systems_for_states_that_the_app_does_not_have_are_an_error(app: App) -> None:
    app.add_systems(OnTransition(GameState.MENU, GameState.PLAY), noting([], "never"))
    with pytest.raises(ScheduleError, match=r"OnTransition\(GameState.MENU, .*app\.init_state\(GameState\.MENU\)"):
        app.update(0.0)
    app.init_state(GameState.MENU)
    app.update(0.0)
    assert app.time.frame == 1


def test_states_that_the_app_does_not_have_are_missing_resources(app: App) -> None:
    with pytest.raises(MissingResourceError, match=r"State\[GameState\]"):
        app.world.resource(State[GameState])


@given(st.lists(st.tuples(st.sampled_from(GameState), st.booleans()), max_size=12))
@settings(deadline=None, max_examples=30)
def test_every_state_that_is_entered_is_left_before_the_next(asked: list[tuple[GameState, bool]]) -> None:
    with App() as app:
        app.init_state(GameState.MENU)
        log: list[str] = []
        for state in GameState:
            app.add_systems(OnEnter(state), noting(log, f"enter {state.name}"))
            app.add_systems(OnExit(state), noting(log, f"exit {state.name}"))
        app.update(0.0)
        now, expected = GameState.MENU, ["enter MENU"]
        for state, if_other in asked:
            if if_other:
                app.world.resource(NextState[GameState]).set_if_neq(state)
            else:
                go(app, state)
            app.update(0.0)
            if state is not now or not if_other:
                expected += [f"exit {now.name}", f"enter {state.name}"]
                now = state
        assert log == expected
        assert app.world.resource(State[GameState]).get() is now
