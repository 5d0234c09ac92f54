"""What activating a control does inside the panel; everything else is an intent for the systems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from ecs_localai.components.panel_intents import (
        CancelRequested,
        DeleteModelRequested,
        DismissRequested,
        HostEdited,
        InstallRequested,
        NoticeDismissed,
        RefreshRequested,
        RetryRequested,
        ToggleRequested,
    )

    Intent: TypeAlias = (
        HostEdited
        | InstallRequested
        | CancelRequested
        | RetryRequested
        | DismissRequested
        | DeleteModelRequested
        | ToggleRequested
        | NoticeDismissed
        | RefreshRequested
    )


@dataclass(frozen=True, slots=True)
class AskDelete:
    """Ask in the model's row whether to delete it."""

    model_name: str


@dataclass(frozen=True, slots=True)
class KeepModel:
    """Don't delete: take the question away."""

    model_name: str


@dataclass(frozen=True, slots=True)
class ConfirmDelete:
    """The question was answered: delete."""

    model_name: str


@dataclass(frozen=True, slots=True)
class ShowAllInstallations:
    """Show every installation, or only the first ones again."""

    all: bool


@dataclass(frozen=True, slots=True)
class SubmitField:
    """Take what a text field holds."""

    field_id: str


LocalAction: TypeAlias = AskDelete | KeepModel | ConfirmDelete | ShowAllInstallations | SubmitField
