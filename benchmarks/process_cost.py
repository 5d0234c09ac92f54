"""What a whole process costs: its wall clock time and its CPU time, all of its threads included."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks.contestant import Took

ROOT = Path(__file__).resolve().parents[1]


class Ended(NamedTuple):
    """A process that has ended well: its output, and what it cost in seconds, from its start to its end."""

    output: bytes
    wall_s: float
    cpu_s: float


class Pulled(NamedTuple):
    """A pull: what it took alone (imports are done, but nothing else), and the whole process around it."""

    pull: Took
    whole: Ended


def run_to_end(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Ended:
    """Run a program in the checkout. Raises subprocess.CalledProcessError when it fails."""
    begun = time.perf_counter()
    with subprocess.Popen(list(command), stdout=subprocess.PIPE, cwd=ROOT, env=environment) as process:
        output = process.stdout.read() if process.stdout is not None else b""
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command), output)
    return Ended(output, wall, usage.ru_utime + usage.ru_stime)


def run_contestant(way: str, url: str, model: str) -> Pulled:
    """Run one way of pulling (see `benchmarks.contestant`) in a process of its own."""
    whole = run_to_end([sys.executable, "-m", "benchmarks.contestant", way, url, model])
    return Pulled(msgspec.json.decode(whole.output, type=Took), whole)


def run_curl(curl: str, url: str, model: str) -> Pulled:
    """Pull with curl; all that it does is the pull."""
    body = msgspec.json.encode({"model": model, "insecure": True}).decode()
    whole = run_to_end([curl, "-sSfN", "-X", "POST", f"{url}/api/pull", "-d", body])
    lines = whole.output.splitlines()
    if not lines or b'"success"' not in lines[-1]:
        raise subprocess.SubprocessError(f"curl's pull ended with {lines[-1:]!r}")
    return Pulled(Took(whole.wall_s, whole.cpu_s, len(lines)), whole)
