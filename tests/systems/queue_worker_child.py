"""A program with the plugin that installs models, to be killed by a test.

queue_worker_child.py FOLDER PORT NAME...     says how each stands whenever that changes, until its input ends

A line is ``STATE BYTES MODEL WHY``: why it waits, or ``-``.
"""

import sys
import threading
import time
from pathlib import Path

from ecs_localai import App, DownloadConfig, LocalModelsPlugin, ModelInstallation, ModelInstallRequest


def wait_for_the_end(ended: threading.Event) -> None:
    """Nobody listens any more."""
    sys.stdin.read()
    ended.set()


def main() -> None:
    """Run frames until nobody listens any more."""
    folder, port, *names = sys.argv[1:]
    ended = threading.Event()
    threading.Thread(target=wait_for_the_end, args=(ended,), daemon=True).start()
    app = App()
    app.add_plugins(LocalModelsPlugin(f"127.0.0.1:{port}", data_dir=Path(folder)))
    with app:
        for name in names:
            app.world.spawn(ModelInstallRequest(name, DownloadConfig(insecure=True)))
        told: dict[str, str] = {}
        while not ended.is_set():
            app.update()
            for _, one in app.world.query(ModelInstallation):
                waits = "-" if one.waits_for is None else one.waits_for.value
                line = f"{one.status.kind.value} {one.progress.bytes_downloaded} {one.model_name} {waits}"
                if told.get(one.installation_id) != line:
                    told[one.installation_id] = line
                    sys.stdout.write(f"{line}\n")
                    sys.stdout.flush()
            time.sleep(0.01)


if __name__ == "__main__":
    main()
