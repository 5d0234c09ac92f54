"""What the shell offers for a model's name that is being typed: the names that are kept, without asking anybody."""

from __future__ import annotations

from pathlib import Path

import typer


def complete_model_name(context: typer.Context, incomplete: str) -> list[str]:
    """The names that begin so: of models that were used or installed before, or that registries told of.

    Reads the data folder. A shell shows what a completion prints, so whatever is wrong with the folder offers nothing.
    """
    from ecs_localai.commands.kept_file import is_kept
    from ecs_localai.store.folder import data_folder

    folder = data_folder(_data_dir(context))
    if not is_kept(folder):
        return []
    return [name for name in _kept_names(folder) if name.lower().startswith(incomplete.lower())]


def _data_dir(context: typer.Context) -> Path | None:
    """What ``--data-dir`` says, before or after the command."""
    at: object = None
    look: object = context
    while isinstance(look, typer.Context) and at is None:
        at = look.params.get("data_dir")
        look = look.parent
    return at if isinstance(at, Path) else None


def _kept_names(folder: Path) -> list[str]:
    from ecs_localai.commands.kept_knowledge import kept_knowledge

    with kept_knowledge(folder) as known:
        return sorted({*known.registry, *known.before, *known.used}, key=str.lower)
