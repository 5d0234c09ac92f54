"""A walk through structural changes: each step is done to a real world and to a model, and then they are compared.

A walk is data (a list of `Step`), so that hypothesis can shrink it and a failing one can be printed and repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import GenericAlias, TracebackType
from typing import Final, cast

import esper

from ecs_localai.runtime import (
    App,
    Commands,
    First,
    PostUpdate,
    Query,
    SystemFailed,
    Update,
    World,
    activity,
    chain,
    run_if,
)
from tests.runtime.fuzz_ground import OTHER_WORLDS, STRUCTURAL, Ground, Step
from tests.runtime.fuzz_parts import (
    SIGNATURES,
    Alpha,
    Row,
    Signature,
    entities_by_esper,
    identified,
    identities,
)
from tests.runtime.fuzz_queued import QUEUED
from tests.runtime.fuzz_watchers import Watcher
from tests.runtime.fuzz_witness import Witness

HOSTS_WORLD: Final = "the host's game"
MOST_WATCHERS: Final = 4


class _HostProcessor(esper.Processor):
    """A plain processor of the host's that does what the walk wants done in it."""

    def __init__(self, do: Callable[[], None]) -> None:
        self._do = do

    def process(self, *_args: object) -> None:
        """Do this frame's steps."""
        self._do()


@dataclass
class Held:
    """An iteration that was begun."""

    rest: Iterator[Row]
    expected: list[Row]
    signature: Signature
    seen: list[Row] = field(default_factory=list)

    def go_on(self, count: int) -> None:
        """Take some more rows."""
        for _, row in zip(range(count), self.rest, strict=False):
            self.seen.append(row)

    def finish(self) -> None:
        """Take the rest, and see that they were the rows of the moment in which it began."""
        self.seen.extend(self.rest)
        same(self.seen, self.expected, self.signature, "in an iteration that was begun before")


class Walk:
    """A real app in a world of its own or in a host's, and its model; use it in a ``with`` block."""

    def __init__(
        self,
        *,
        hosted: bool = False,
        observed: bool = False,
        signatures: tuple[Signature, ...] = SIGNATURES,
        check_always: bool = True,
    ) -> None:
        self._before = esper.current_world
        self._hosted = hosted
        self._check_always = check_always
        self._signatures = signatures
        self.app = App(world=HOSTS_WORLD) if hosted else App()
        self.ground = Ground(self.app)
        self._queries: dict[int, Query[object]] = {}
        self._held: list[Held] = []
        self._frame: Step | None = None
        self._failures: list[SystemFailed] = []
        self._witness = Witness() if observed else None
        self._told = True  # whether observers have been told of everything: of what a host does, in the next frame
        self._idle_sets_wake = False  # whether what only reacts has to run in this frame
        self._watchers = [Watcher(self.ground), Watcher(self.ground)]
        self._anywhere: dict[str, Callable[[Step], None]] = {
            "iterate": self._iterate,
            "hold": self._hold,
            "go_on": self._go_on,
            "spoil": self._spoil,
            "host_reads": self._host_reads,
            "check": self._check_some,
        }
        self._between_frames: dict[str, Callable[[Step], None]] = {
            "frame": self._run_frame,
            "stay": self._stay,
            "watcher": self._add_watcher,
        }
        self._commands: Commands | None = None
        try:
            self._build()
        except BaseException:
            self._clean_up()
            raise

    def _build(self) -> None:
        self.app.set_error_handler(self._failures.append)
        if self._witness is not None:
            self._witness.watch(self.app)
        self.app.add_systems(First, self._begin_frame)
        for index in range(len(self._signatures)):
            self.app.add_systems(First, self._keeper(index))
        self.app.add_systems(Update, run_if(activity, self._react))
        before, after = self._watchers
        self.app.add_systems(Update, chain(before.look, self._act, self._check_in_frame, after.look))
        with self.ground.home():
            esper.add_processor(_HostProcessor(self._act_as_host))
        self.app.update(0.01)
        self._see_failures()

    def __enter__(self) -> Walk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clean_up()

    def _clean_up(self) -> None:
        self.app.shutdown()
        esper.switch_world(self._before)
        for name in (HOSTS_WORLD, *OTHER_WORLDS):
            if name in esper.list_worlds():
                esper.delete_world(name)

    def walk(self, steps: Iterable[Step]) -> None:
        """Take all these steps, then finish every iteration that was begun.

        Raises:
            AssertionError: the real world differs from the model; it names the last step.
        """
        for number, step in enumerate(steps):
            active = esper.current_world
            try:
                self.do(step)
                if self._check_always:
                    self.check()
            except Exception as error:
                error.add_note(f"at step {number}: {step}")
                raise
            assert esper.current_world == active or step.name == "stay", f"after {step}"
        for held in self._held:
            held.finish()
        self.check()

    def do(self, step: Step) -> None:
        """Take one step. Some have a meaning only inside of a frame, or only between two."""
        if step.name in STRUCTURAL:
            self._told = self._told and not step.name.startswith("plain_")
            STRUCTURAL[step.name](self.ground, step)
        elif step.name in self._anywhere:
            self._anywhere[step.name](step)
        elif self._frame is None and step.name in self._between_frames:
            self._between_frames[step.name](step)
        elif self._commands is not None and step.name in QUEUED:
            QUEUED[step.name](self.ground, step, self._commands)
        elif self._commands is not None and step.name == "later":
            self._later(step, self._commands)

    def check(self, only: Callable[[int], bool] = lambda _: True) -> None:
        """Compare the world with the model, and queries with both."""
        with self.ground.home():
            entities = entities_by_esper()
            assert identities(entities) == identities(self.ground.model.entities), "the world is not as it should be"
            for index, query in self._queries.items():
                if only(index):
                    signature = self._signatures[index]
                    expected = signature.rows(entities)
                    same(query, expected, signature, "kept")
                    same(query.rows(), expected, signature, "as a new list")
                    assert len(query) == len(expected), str(signature)
                    assert bool(query) == bool(expected), str(signature)
        self._check_witness()
        for index, signature in enumerate(self._signatures):
            if only(index):  # asked from whatever world is active
                same(self._asked(signature), signature.rows(entities), signature, "asked of the world")

    def _asked(self, signature: Signature) -> list[Row]:
        return self.app.world.query(*cast("tuple[type, ...]", signature.parts))

    # Frames

    def _run_frame(self, step: Step) -> None:
        by_process = step.value % 2 == 1
        if by_process or not self._hosted:
            self.ground.model.delete_dying()
        for number, watcher in enumerate(self._watchers):
            watcher.looks = step.which >> number
            watcher.marks = self.ground.entity(step.which) if step.mask & 3 == 3 else None
        self._frame = step
        try:
            if by_process:
                with self.ground.home():
                    esper.process(0.01)
            else:
                self.app.update(0.01)
        finally:
            self._frame = None
        self._see_failures()

    def _begin_frame(self) -> None:
        """The first system of a frame: by now the app has looked at what a host has done."""
        with self.ground.guarded():
            model = self.ground.model
            model.notice_removed()
            self._idle_sets_wake, model.has_changed = model.has_changed, False
            self._told = True
            self._check_witness()

    def _react(self) -> None:
        """A system that is passed over while nothing happens."""
        self._idle_sets_wake = False

    def _check_witness(self) -> None:
        if self._witness is not None and self._told:
            assert self._witness.wrong == []
            here = {entity: id(has[Alpha]) for entity, has in self.ground.model.entities.items() if Alpha in has}
            assert self._witness.identities == here, "what observers were told is not what there is"

    def _see_failures(self) -> None:
        if self.ground.problem is not None:
            raise self.ground.problem
        assert self._failures == []
        assert not self._idle_sets_wake, "something had been done, and the idle set did not wake"

    def _keeper(self, index: int) -> Callable[..., None]:
        """A system that has such a query, and lets the walk have it."""

        def keep(query: Query[object]) -> None:
            self._queries[index] = query

        keep.__annotations__["query"] = GenericAlias(Query, self._signatures[index].parts)
        return keep

    def _act(self, commands: Commands) -> None:
        """The system that does what the frame's step wants done."""
        with self.ground.guarded():
            self._commands = commands
            try:
                for step in self._frame.inside if self._frame else ():
                    self._do_inside(step)
            finally:
                self._commands = None

    def _check_in_frame(self) -> None:
        """The system after it, before which commands are applied."""
        with self.ground.guarded():
            assert not self.app.commands.waiting
            if self._frame is not None:
                self._check_some(self._frame)

    def _act_as_host(self) -> None:
        with self.ground.guarded():
            for step in self._frame.host if self._frame else ():
                self._do_inside(step)

    def _do_inside(self, step: Step) -> None:
        try:
            self.do(step)
            if self._check_always:
                self.check()
        except Exception as error:
            error.add_note(f"inside, at {step}")
            raise

    def _later(self, step: Step, commands: Commands) -> None:
        def do_inside(_: World) -> None:
            with self.ground.guarded():
                for one in step.inside:
                    self._do_inside(one)

        commands.queue(do_inside)

    # Looking

    def _check_some(self, step: Step) -> None:
        stride = 1 if self._check_always else 1 + step.mask % 5
        self.check(lambda index: (index + step.value) % stride == 0)

    def _query(self, step: Step) -> tuple[Signature, Query[object]]:
        index = step.which % len(self._signatures)
        return self._signatures[index], self._queries[index]

    def _begin(self, step: Step) -> Held:
        signature, query = self._query(step)
        with self.ground.home():
            return Held(iter(query), signature.rows(entities_by_esper()), signature)

    def _iterate(self, step: Step) -> None:
        """Change the world, and perhaps iterate the same query, in the middle of an iteration."""
        held = self._begin(step)
        for inner in step.inside:
            held.go_on(step.mask % 4)
            self._do_inside(inner)
        held.finish()

    def _hold(self, step: Step) -> None:
        """Begin an iteration, and go on with it some time later."""
        self._held.append(self._begin(step))

    def _go_on(self, step: Step) -> None:
        if self._held:
            held = self._held[step.which % len(self._held)]
            held.go_on(step.mask % 4)
            if step.value == 0:
                self._held.remove(held)
                held.finish()

    def _spoil(self, step: Step) -> None:
        """Spoil the lists that queries hand out; they are the caller's own."""
        signature, query = self._query(step)
        with self.ground.home():
            query.rows().clear()
        self._asked(signature).append((0, None))

    def _host_reads(self, _step: Step) -> None:
        """What the host sees with plain esper, caches included, is the truth."""
        with self.ground.home():
            entities = entities_by_esper()
            for signature in SIGNATURES:
                kinds = [kind for kind, optional in signature.columns if not optional]
                if len(kinds) == len(signature.columns) and not signature.having and not signature.lacking:
                    rows = esper.get_component(kinds[0]) if len(kinds) == 1 else esper.get_components(*kinds)
                    same(cast("list[Row]", rows), signature.rows(entities), signature, "by esper")

    # Between frames

    def _stay(self, step: Step) -> None:
        """The host makes another world the active one."""
        worlds = (self._before, *OTHER_WORLDS, self.app.world.name)
        esper.switch_world(worlds[step.which % len(worlds)])

    def _add_watcher(self, _step: Step) -> None:
        """A system is added to a running app; everything is new to it."""
        if len(self._watchers) < MOST_WATCHERS:
            self._watchers.append(Watcher(self.ground))
            self.app.add_systems(PostUpdate, self._watchers[-1].look)


def same(rows: Iterable[Row], expected: list[Row], signature: Signature, how: str) -> None:
    """See that these are the same rows of the same objects, in whatever order."""
    shown = list(rows)
    assert identified(shown) == identified(expected), f"{signature}, {how}: {shown}, and not {expected}"
