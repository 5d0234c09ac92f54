"""What `from ecs_localai import …` offers."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

import ecs_localai


def test_every_public_name_can_be_imported() -> None:
    for name in dir(ecs_localai):
        assert getattr(ecs_localai, name) is not None


def test_no_two_packages_offer_the_same_name() -> None:
    names = [
        name for home in ("runtime", "components", "systems") for name in import_module(f"ecs_localai.{home}").__all__
    ]
    assert len(names) == len(set(names))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = ecs_localai.Nothing  # type: ignore[attr-defined]  # that is the point


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, ecs_localai; from ecs_localai import App, ModelInstallRequest\n"
        "print(sorted(set(sys.modules) & {'aiohttp', 'pygame', 'psutil', 'pynvml', 'numpy', 'rich', 'typer'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_what_only_the_background_needs_is_not_loaded_with_the_plugin() -> None:
    code = (
        "import sys; from ecs_localai import LocalModelsPlugin; LocalModelsPlugin('127.0.0.1').load()\n"
        "print(sorted(set(sys.modules) & {'aiohttp', 'asyncio', 'ssl', 'pygame', 'psutil', 'pynvml', 'numpy'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_the_panel_loads_pygame_when_it_is_asked_for() -> None:
    code = (
        "import sys, ecs_localai.panel; print('pygame' in sys.modules)\n"
        "from ecs_localai import Panel; print('pygame' in sys.modules)\n"
        "from ecs_localai.panel import NoDisplay, PanelWindow, Panel as same, render, save_png; print(same is Panel)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["False", "True", "True"]
