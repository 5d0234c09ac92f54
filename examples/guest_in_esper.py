"""Local models in a game that is written with plain esper.

The game's own world is ``my-game``, with a processor of its own. Our systems are put into that world, so that one of
the game's entities can simply carry a `ModelInstallRequest`; here it names no model, so the answer comes at once.
The game's `esper.process` runs our five sets too: nothing else has to be called.
"""

from __future__ import annotations

from dataclasses import dataclass

import esper

from ecs_localai import App, LocalModelsPlugin, ModelInstallation, ModelInstallRequest, SystemFailed


@dataclass
class Position:
    x: float = 0.0


class Movement(esper.Processor):
    """The game's own processor."""

    def process(self, dt: float) -> None:
        for _, position in esper.get_component(Position):
            position.x += 10.0 * dt


def main() -> None:
    esper.switch_world("my-game")
    esper.add_processor(Movement())
    with App(world="my-game") as app:
        app.add_plugins(LocalModelsPlugin())
        failures = app.events(SystemFailed).reader()
        wizard = esper.create_entity(Position(), ModelInstallRequest("not a model name"))
        for _ in range(60):
            esper.process(1 / 60)
        for _, installation in esper.get_component(ModelInstallation):
            print(f"{installation.model_name}: {installation.status.kind.value}: {installation.error_message}")
        print(f"the wizard walked to {esper.component_for_entity(wizard, Position).x:.1f}")
        print(f"our failures in the game's frames: {len(failures.read())}; the game's world: {esper.current_world}")


if __name__ == "__main__":
    main()
