"""A program of its own for the tests of shutting down: ``shutdown_child.py PORT MODEL``.

Installs a model from a slow registry on the Ollama at PORT and ends in the middle of it. Run with ``-X dev -W error``
it must say nothing on stderr: every warning of a thing that was never closed would be there.
"""

from __future__ import annotations

import logging
import sys
import time

from ecs_localai import (
    App,
    DownloadConfig,
    LocalModelsPlugin,
    ModelInstallation,
    ModelInstallRequest,
    OllamaConfiguration,
    SystemFailed,
)


def main(port: int, model: str) -> int:
    """Run until some of the model has arrived; returns the exit status."""
    # Development mode makes asyncio tell of slow callbacks too: that is the machine's load, not a thing left open.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    deadline = time.monotonic() + 60
    with App() as app:
        app.add_plugins(LocalModelsPlugin(OllamaConfiguration(port=port)))
        app.world.spawn(ModelInstallRequest(model, DownloadConfig(insecure=True)))
        failures = app.events(SystemFailed).reader()
        while not any(one.progress.bytes_downloaded > 100_000 for _, one in app.world.query(ModelInstallation)):
            app.update()
            if failures.read() or time.monotonic() > deadline:
                return 1
            time.sleep(0.005)
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2]))
