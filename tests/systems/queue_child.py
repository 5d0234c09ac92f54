"""A program with the plugin, for tests that need several: says what it goes on with, and waits.

queue_child.py FOLDER     waits for a line, begins, says the models that it goes on with, ends after another line
"""

import json
import sys
from pathlib import Path

from ecs_localai import App, LocalModelsPlugin, ModelInstallRequest


def main() -> None:
    """Begin once all are there, so that they begin at the same moment."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    app = App()
    app.add_plugins(LocalModelsPlugin("127.0.0.1:9", data_dir=Path(sys.argv[1])))
    with app:
        names = [request.model_name for _, request in app.world.query(ModelInstallRequest)]
        sys.stdout.write(json.dumps(names) + "\n")
        sys.stdout.flush()
        sys.stdin.readline()


if __name__ == "__main__":
    main()
