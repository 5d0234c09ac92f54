"""Hatchling's build hook: makes the fonts before a wheel or an editable install is put together."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class AssetsBuildHook(BuildHookInterface[BuilderConfig]):
    """Runs `scripts/build_assets.py`, which does nothing when the fonts are up to date."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the assets into the tree that is about to be packed (not for a source archive)."""
        if self.target_name != "wheel":
            return
        script = Path(self.root) / "scripts" / "build_assets.py"
        spec = importlib.util.spec_from_file_location("ecs_localai_build_assets", script)
        if spec is None or spec.loader is None:
            raise FileNotFoundError(f"{script} is missing: the source tree is incomplete.")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # dataclasses look their module up by name
        spec.loader.exec_module(module)
        module.build(Path(self.root) / "ecs_localai" / "assets")
