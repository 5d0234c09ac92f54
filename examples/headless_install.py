"""Install a model without a display: the world is stepped frame by frame, and a frame never waits.

Run it with a model's name, on an Ollama that runs: ``python examples/headless_install.py llama3.2:1b``. The frames
go on at their own pace while the download happens in the background, so a game would go on too. A registry of your
own that speaks plain HTTP needs ``--insecure``.
"""

from __future__ import annotations

import sys

from ecs_localai import (
    App,
    DownloadConfig,
    EventReader,
    LocalModelsPlugin,
    ModelInstallationCompleted,
    ModelInstallationFailed,
    ModelInstallationProgress,
    ModelInstallRequest,
    ScheduleRunner,
    Update,
)


def show_progress(progress: EventReader[ModelInstallationProgress]) -> None:
    for event in progress.read():
        if event.fraction is not None:
            print(f"{event.model_name}: {event.fraction:.0%}")


def main() -> int:
    names = [argument for argument in sys.argv[1:] if argument != "--insecure"]
    if len(names) != 1:
        print("usage: headless_install.py MODEL [--insecure]", file=sys.stderr)
        return 2
    with App() as app:
        app.add_plugins(LocalModelsPlugin())
        app.add_systems(Update, show_progress)
        app.world.spawn(ModelInstallRequest(names[0], DownloadConfig(insecure="--insecure" in sys.argv)))
        completed = app.events(ModelInstallationCompleted).reader()
        failed = app.events(ModelInstallationFailed).reader()
        frame = ScheduleRunner(hz=60, frames=1)
        while True:
            frame(app)
            for done in completed.read():
                seconds = done.installation_time.total_seconds()
                print(f"{done.model.name} is installed: {done.model.size:,} bytes in {seconds:.1f} s")
                return 0
            for failure in failed.read():
                print(failure.error_message, file=sys.stderr)
                return 1


if __name__ == "__main__":
    sys.exit(main())
