"""What the panel says of what is kept, and of what is being done with it."""

from __future__ import annotations

from ecs_localai.components.panel_view import DataView
from ecs_localai.systems.forgetting import Forgetting
from ecs_localai.systems.persistence import SavedState
from ecs_localai.systems.settings_transfer import SettingsTransfer


def data_view(saved: SavedState, transfer: SettingsTransfer, forgetting: Forgetting) -> DataView:
    """The card of the data folder."""
    return DataView(
        folder="" if saved.file is None else str(saved.file.parent),
        notice=saved.notice,
        exchange_text=transfer.text,
        exchange_tone=transfer.tone,
        question=transfer.question,
        forget_text=forgetting.text,
        forget_tone=forgetting.tone,
    )
