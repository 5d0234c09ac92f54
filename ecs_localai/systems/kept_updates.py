"""What was found out about newer versions at the last look: kept, and of use where registries cannot be asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ecs_localai.components.updates import HostUpdates, ModelUpdate, UpdateState


def merged_updates(former: HostUpdates | None, found: Sequence[ModelUpdate], now: datetime) -> HostUpdates:
    """What is to be kept of a host after a look at all its models.

    A model of which nothing could be found out stays as it was known. Where that is so of all, there was no look.
    """
    by_name = {update.model_name: best_known(former, update) for update in found}
    nothing = bool(found) and all(update.state is UpdateState.UNKNOWN for update in found)
    return HostUpdates(by_name, checked_at=former.checked_at if former is not None and nothing else now)


def best_known(former: HostUpdates | None, update: ModelUpdate) -> ModelUpdate:
    """This, or, where it is that nothing could be found out, what is known of the same model from before."""
    if former is None or update.state is not UpdateState.UNKNOWN:
        return update
    known = former.by_name.get(update.model_name)
    return known if known is not None and known.digest == update.digest else update
