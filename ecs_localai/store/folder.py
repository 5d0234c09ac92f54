"""Which folder keeps our data."""

import os
from pathlib import Path

DATA_DIR_VARIABLE = "ECS_LOCALAI_DATA_DIR"


def data_folder(override: Path | None = None) -> Path:
    """The folder for our data: `override`, else `ECS_LOCALAI_DATA_DIR`, else the platform's own place.

    The platform's place is what `platformdirs.user_data_path` says (`~/.local/share/ecs-localai` on Linux,
    `XDG_DATA_HOME` respected). The path is absolute, a leading `~` is expanded; nothing is created here.
    """
    chosen = os.environ.get(DATA_DIR_VARIABLE, "") if override is None else os.fspath(override)
    if chosen:
        return Path(os.path.abspath(os.path.expanduser(chosen)))
    import platformdirs  # only needed where nobody chose a folder

    return platformdirs.user_data_path("ecs-localai", appauthor=False)
