"""What ``ecs-localai doctor`` looks at: each check looks for itself and says what to do."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import msgspec

from ecs_localai._version import __version__
from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.target import Target
from ecs_localai.components.wording import format_bytes
from ecs_localai.ollama.errors import OllamaError

if TYPE_CHECKING:
    from ecs_localai.ollama.client import OllamaClient


_DISPLAY_VARIABLES = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    """Something does not work that one can do without."""
    FAIL = "fail"


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    check: str
    status: Verdict
    detail: str
    """What was found."""
    advice: list[str] = []
    """What to do about it, one step each; empty where there is nothing to do."""


def all_checks(target: Target) -> Iterator[Check]:
    """Look at one thing after the other; each result comes as soon as it is known."""
    yield check_versions()
    yield from check_host(target)
    yield check_data_folder(target)
    yield check_display()
    yield check_gpu()


def check_versions() -> Check:
    """Ours, Python's, and those of what draws and stores."""
    parts = [f"ecs-localai {__version__}", f"Python {platform.python_version()}", f"on {platform.platform(terse=True)}"]
    for package in ("esper", "aiohttp", "numpy"):
        try:
            parts.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            return Check("versions", Verdict.FAIL, f"{package} is not installed.", ["Install ecs-localai again."])
    return Check("versions", Verdict.OK, ", ".join(parts))


def check_host(target: Target) -> Iterator[Check]:
    """The server's address, where it comes from, and whether an Ollama answers there."""
    from ecs_localai.systems.view_host import connection_advice

    try:
        address, source = target.address_and_source()
    except CommandFailed as error:
        yield Check("address", Verdict.FAIL, str(error), ["Correct the address, or choose one with --host."])
        return
    yield Check("address", Verdict.OK, f"{address.base_url} (from {source})")

    async def ask(client: OllamaClient) -> tuple[str, int, int]:
        return await client.version(), len(await client.tags()), len(await client.ps())

    try:
        number, installed, loaded = Target(address.base_url).ask(ask)
    except OllamaError as error:
        # The last of the panel's steps speaks of its host field.
        advice = [
            *connection_advice(address.base_url, str(error.kind))[:-1],
            "If it runs elsewhere, give its address with --host.",
        ]
        yield Check("ollama", Verdict.FAIL, error.message, advice)
        return
    models = f"{installed} {'model' if installed == 1 else 'models'} installed, {loaded} loaded"
    yield Check("ollama", Verdict.OK, f"Ollama {number} answers; {models}")


def check_data_folder(target: Target) -> Check:
    """Whether what a person sets can be kept: the store is opened, and begun where there is none."""
    from ecs_localai.store.opening import FILE_NAME, Access, open_file

    folder = target.folder()
    opened = open_file(folder / FILE_NAME)
    if opened.connection is not None:
        opened.connection.close()
    if opened.access is Access.WRITABLE:
        if opened.notice is None:
            return Check("data folder", Verdict.OK, f"{folder} can be written")
        return Check("data folder", Verdict.WARN, opened.notice)
    advice = ["Correct that, or choose another folder with --data-dir."]
    return Check("data folder", Verdict.FAIL, opened.notice or f"{folder} cannot be written.", advice)


def check_display() -> Check:
    """Whether a window can be opened; without one, everything but the window works."""
    import ecs_localai.panel  # noqa: F401 - keeps pygame from greeting on standard output, which is ours

    try:
        import pygame
    except ImportError as error:
        return Check("display", Verdict.FAIL, f"pygame-ce does not load: {error}.", ["Install pygame-ce again."])
    sdl = f"pygame-ce {pygame.version.ver}, SDL {'.'.join(map(str, pygame.get_sdl_version()))}"
    advice = [
        "The window needs a desktop; without one use “ecs-localai run --headless” or “ecs-localai screenshot”.",
    ]
    if sys.platform not in ("win32", "darwin") and not any(map(os.environ.get, _DISPLAY_VARIABLES)):
        # Not left for SDL to find out: it then draws on no screen, and its libraries write to standard error.
        return Check("display", Verdict.WARN, f"No window can be opened: there is no display ({sdl}).", advice)
    try:
        pygame.display.init()
        driver = pygame.display.get_driver()
    except pygame.error as error:
        return Check("display", Verdict.WARN, f"No window can be opened here: {error} ({sdl}).", advice)
    finally:
        pygame.display.quit()
    if driver in ("dummy", "offscreen"):
        return Check("display", Verdict.WARN, f"SDL draws on no screen here, its driver is “{driver}” ({sdl}).", advice)
    return Check("display", Verdict.OK, f"A window can be opened with {driver} ({sdl})")


def check_gpu() -> Check:
    """The GPUs that can be measured, or why there is none."""
    from ecs_localai.systems.gpu_sampling import GpuSampler

    sampler = GpuSampler()
    try:
        gpus, reason = sampler.sample()
    finally:
        sampler.close()
    if not gpus:
        advice = ["Install NVIDIA's driver if there is such a GPU; others are not measured, models run all the same."]
        return Check("gpu", Verdict.WARN, reason or "No GPU can be measured.", advice)
    named = [f"{gpu.name} ({format_bytes(gpu.memory_total)})" if gpu.memory_total else gpu.name for gpu in gpus]
    return Check("gpu", Verdict.OK, ", ".join(named))
