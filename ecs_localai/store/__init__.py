"""What a person set and what happened, kept in one SQLite file. Knows nothing of the ECS.

`Store.open(folder)` reads everything that is needed at the start; afterwards changes are posted and a writer
thread commits them, so that a frame never waits for a disk. SQLite is imported with the first store.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecs_localai.store.folder import DATA_DIR_VARIABLE, data_folder
    from ecs_localai.store.state import HISTORY_READ, JsonValue, ModelUsage, StoredInstallation, StoredState
    from ecs_localai.store.store import Store
    from ecs_localai.store.tables import Table
else:
    from ecs_localai._lazy import lazy_names

    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "folder": ("DATA_DIR_VARIABLE", "data_folder"),
            "state": ("HISTORY_READ", "JsonValue", "ModelUsage", "StoredInstallation", "StoredState"),
            "store": ("Store",),
            "tables": ("Table",),
        },
    )

__all__ = [
    "DATA_DIR_VARIABLE",
    "HISTORY_READ",
    "JsonValue",
    "ModelUsage",
    "Store",
    "StoredInstallation",
    "StoredState",
    "Table",
    "data_folder",
]
