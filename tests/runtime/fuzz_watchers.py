"""A system that asks for what is new, changed and gone, and knows from a model what it has to be shown."""

from __future__ import annotations

from itertools import count

from ecs_localai.runtime import Added, Changed, Changes, Query, RemovedComponents, Time, Without
from tests.runtime.fuzz_fresh import FreshModel, FreshQuery, RemovedModel
from tests.runtime.fuzz_ground import Ground
from tests.runtime.fuzz_parts import Alpha, Beta, Gamma, Kind, Row, Signature, identified

_owners = count(1)


class Watcher:
    """One system with all of it. `looks` says, a bit each, which of its parameters it looks at in a frame."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._owner = next(_owners)
        self.looks = 0
        self.marks: int | None = None
        """Whose `Alpha` the system marks itself after its first look, by which it then looks again."""
        self._added = self._query((Alpha,), added=(Alpha,))
        self._changed = self._query((Alpha,), changed=(Alpha,))
        self._added_second = self._query((Beta, Alpha), added=(Beta,))
        self._changed_without = self._query((Gamma,), changed=(Gamma,), lacking=(Alpha,))
        self._added_and_changed = self._query((Alpha, Beta), added=(Alpha,), changed=(Beta,))
        self._changed_elsewhere = self._query((Gamma,), changed=(Alpha,), having=(Alpha,))
        self._removed_alphas, self._removed_betas = self._reader(Alpha), self._reader(Beta)

    def _query(
        self,
        columns: tuple[Kind, ...],
        *,
        added: tuple[Kind, ...] = (),
        changed: tuple[Kind, ...] = (),
        having: tuple[Kind, ...] = (),
        lacking: tuple[Kind, ...] = (),
    ) -> FreshQuery:
        fresh = [FreshModel(kind) for kind in added]
        fresh += [FreshModel(kind, self._owner, shows_marks=True) for kind in changed]
        self._ground.model.fresh += fresh
        return FreshQuery(Signature(tuple((kind, False) for kind in columns), having, lacking), fresh)

    def _reader(self, kind: Kind) -> RemovedModel:
        model = self._ground.model
        model.notice_removed(kind)  # a new reader looks, and what it finds gone is told to the others
        reader = RemovedModel(kind, {entity for entity, has in model.entities.items() if kind in has})
        model.removed.append(reader)
        return reader

    def look(
        self,
        added: Query[Alpha, Added[Alpha]],
        changed: Query[Alpha, Changed[Alpha]],
        added_second: Query[Beta, Alpha, Added[Beta]],
        changed_without: Query[Gamma, Changed[Gamma], Without[Alpha]],
        added_and_changed: Query[Alpha, Beta, Added[Alpha], Changed[Beta]],
        changed_elsewhere: Query[Gamma, Changed[Alpha]],
        removed_alphas: RemovedComponents[Alpha],
        removed_betas: RemovedComponents[Beta],
        changes: Changes[Alpha],
        time: Time,
    ) -> None:
        """The system."""
        shown = (
            (self._added, added),
            (self._changed, changed),
            (self._added_second, added_second),
            (self._changed_without, changed_without),
            (self._added_and_changed, added_and_changed),
            (self._changed_elsewhere, changed_elsewhere),
        )
        with self._ground.guarded():
            for again in (False, True):
                if again and self.marks is None:
                    break
                for bit, (model, query) in enumerate(shown):
                    if self.looks >> bit & 1:
                        self._check(model, query.rows(), time.run_number)
                if self.looks >> 6 & 1:
                    self._check_removed(self._removed_alphas, removed_alphas)
                if self.looks >> 7 & 1:
                    self._check_removed(self._removed_betas, removed_betas)
                if self.marks is not None and not again:
                    changes.mark(self.marks)
                    self._ground.model.mark(self.marks, Alpha, self._owner)

    def _check(self, model: FreshQuery, rows: list[Row], run: int) -> None:
        must, may = model.rows(run, self._ground.model.entities)
        shown, wanted, allowed = identified(rows), identified(must), identified(may)
        filters = ", ".join(f"{'Changed' if one.shows_marks else 'Added'}[{one.kind.__name__}]" for one in model.fresh)
        assert all(row in shown for row in wanted), f"{model.base} with {filters}: shown {rows}, must show {must}"
        assert all(row in allowed for row in shown), f"{model.base} with {filters}: shown {rows}, may show {may}"
        assert len(set(shown)) == len(shown), f"{model.base} with {filters}: shown twice: {rows}"

    def _check_removed(self, model: RemovedModel, reader: RemovedComponents[object]) -> None:
        self._ground.model.notice_removed(model.kind)
        waiting = len(reader)
        told = reader.read()
        assert len(told) == waiting, f"removed {model.kind.__name__}: {waiting} were waiting, and then {told}"
        assert reader.missed == 0
        model.check(told)
