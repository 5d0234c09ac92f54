"""What ``ecs-localai doctor`` looks at: each check looks for itself and says what to do."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version

import msgspec

from ecs_localai._version import __version__
from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.host_look import HostLine, look_at_all
from ecs_localai.commands.host_settings import secret_sources
from ecs_localai.commands.target import Target
from ecs_localai.components.secret_source import SecretPlace
from ecs_localai.components.wording import format_bytes
from ecs_localai.ollama.errors import OllamaError
from ecs_localai.systems.saved_hosts import SavedHost

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
    yield check_data_folder(target)  # before the list of hosts is read from it
    yield from check_hosts(target)
    yield check_local_program()
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


def check_hosts(target: Target) -> Iterator[Check]:
    """The chosen host's address and where it comes from, whether it answers, and how the others are; the keyring."""
    try:
        book = target.book()
    except CommandFailed as error:
        yield Check("address", Verdict.FAIL, str(error), ["Correct the address, or choose one with --host."])
        yield check_keyring([])
        return
    chosen = book.chosen
    yield Check("address", Verdict.OK, f"{chosen.config.base_url} (from {book.source})")
    for line in look_at_all([chosen], book):
        yield _about("ollama", line, Verdict.FAIL)
    others = [host for host in book.hosts if host is not chosen]
    for line in look_at_all(others, book) if others else ():
        yield _about(f"host {line.name}", line, Verdict.WARN)
    yield check_keyring(book.hosts)


def _about(check: str, line: HostLine, otherwise: Verdict) -> Check:
    if line.error is not None:
        return Check(check, otherwise, line.error, line.advice)
    models = f"{line.models} {'model' if line.models == 1 else 'models'}"
    told = models if line.loaded is None else f"{models} installed, {line.loaded} loaded"
    what = " ".join(part for part in (line.program or "Ollama", line.version) if part)
    return Check(check, Verdict.OK, f"{what} answers; {told}")


def check_keyring(hosts: Sequence[SavedHost]) -> Check:
    """Whether the system keeps secrets. Nothing is read from it, so it asks nobody to unlock it."""
    using = [
        host.name
        for host in hosts
        if any(source.place is SecretPlace.KEYRING for source in secret_sources(host.config))
    ]
    try:
        import keyring
        from keyring.backends import chainer, fail, null
    except ImportError as error:
        return Check("keyring", Verdict.FAIL, f"keyring does not load: {error}.", ["Install ecs-localai again."])
    from ecs_localai.ollama.secrets import warning_about_keyring

    advice = ["Without one, keep secrets in files or environment variables: --bearer-file FILE, --bearer-env VAR."]
    backend = keyring.get_keyring()
    kept = list(backend.backends) if isinstance(backend, chainer.ChainerBackend) else [backend]
    names = [one.name for one in kept if not isinstance(one, (fail.Keyring, null.Keyring))]
    if names:
        warning = warning_about_keyring()
        if warning is not None:
            return Check("keyring", Verdict.WARN, warning)
        return Check("keyring", Verdict.OK, f"Secrets are kept in {', '.join(names)}")
    needed = f" {' and '.join(using)} cannot be logged in to." if using else ""
    return Check(
        "keyring", Verdict.FAIL if using else Verdict.WARN, f"This machine has no keyring for secrets.{needed}", advice
    )


def check_local_program() -> Check:
    """Whether there is an Ollama that could be started here."""
    from ecs_localai.ollama.local_server import find_program

    try:
        program = find_program()
    except OllamaError as error:
        return Check("local ollama", Verdict.WARN, error.message)
    if program is None:
        advice = ["Get it from ollama.com/download, unless it runs elsewhere."]
        return Check("local ollama", Verdict.WARN, "There is no Ollama on this machine to be started.", advice)
    return Check("local ollama", Verdict.OK, f"{program} can be started with “ecs-localai serve”")


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
