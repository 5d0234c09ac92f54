"""What a person set and what happened, kept in one SQLite file. Knows nothing of the ECS.

`Store.open(folder)` reads everything that is needed at the start; afterwards changes are posted and a writer
thread commits them, so that a frame never waits for a disk.
"""

from ecs_localai.store.folder import DATA_DIR_VARIABLE, data_folder
from ecs_localai.store.state import HISTORY_READ, JsonValue, ModelUsage, StoredInstallation, StoredState
from ecs_localai.store.store import Store

__all__ = [
    "DATA_DIR_VARIABLE",
    "HISTORY_READ",
    "JsonValue",
    "ModelUsage",
    "Store",
    "StoredInstallation",
    "StoredState",
    "data_folder",
]
