"""Everything that a person can ask for in the panel, as one list: a type for the panel, and kinds for the systems."""

from __future__ import annotations

from typing import Final, TypeAlias, get_args

from ecs_localai.components.panel_intents import (
    AddHostRequested,
    CancelRequested,
    CheckUpdatesRequested,
    CopyModelRequested,
    CreateModelRequested,
    DefaultHostRequested,
    DeleteModelRequested,
    DismissRequested,
    DownloadLimitChanged,
    EditHostRequested,
    ExportSettingsRequested,
    FilesDropped,
    FindHostsRequested,
    ForgetRequested,
    HostEdited,
    ImportModelRequested,
    ImportSettingsAnswered,
    ImportSettingsRequested,
    InstallRequested,
    InstallRequiredRequested,
    LoadModelRequested,
    ModelDetailsRequested,
    MoveHostRequested,
    MoveInstallationRequested,
    NoticeDismissed,
    PanelSettingsChanged,
    PauseRequested,
    PreflightDismissed,
    PreflightRequested,
    RefreshRequested,
    RemoveHostRequested,
    ResumeRequested,
    RetryRequested,
    ScheduleRequested,
    StartLocalServerRequested,
    StopLocalServerRequested,
    ToggleRequested,
    UnloadModelRequested,
    UpdateModelsRequested,
)

Intent: TypeAlias = (
    HostEdited
    | RefreshRequested
    | InstallRequested
    | CancelRequested
    | RetryRequested
    | PreflightRequested
    | PreflightDismissed
    | PauseRequested
    | ResumeRequested
    | MoveInstallationRequested
    | ScheduleRequested
    | DownloadLimitChanged
    | ImportModelRequested
    | CreateModelRequested
    | FilesDropped
    | ModelDetailsRequested
    | CheckUpdatesRequested
    | UpdateModelsRequested
    | InstallRequiredRequested
    | DismissRequested
    | DeleteModelRequested
    | LoadModelRequested
    | UnloadModelRequested
    | CopyModelRequested
    | ToggleRequested
    | NoticeDismissed
    | PanelSettingsChanged
    | AddHostRequested
    | EditHostRequested
    | RemoveHostRequested
    | DefaultHostRequested
    | MoveHostRequested
    | FindHostsRequested
    | StartLocalServerRequested
    | StopLocalServerRequested
    | ExportSettingsRequested
    | ImportSettingsRequested
    | ImportSettingsAnswered
    | ForgetRequested
)
"""One of them."""
INTENTS: Final[tuple[type, ...]] = get_args(Intent)
"""Their kinds, all of which the systems can be asked."""
