"""One bridge processor: a plain esper game runs a frame of ours in each frame of its own.

The game keeps its world, its processors and its entities. Our app has a world of its own, and a single processor in
the game's world steps it. What the game wants to know it reads with an event reader, here whether an Ollama answers.
At the end the game clears its own database, as games do between levels: our world is another one, and stays.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import esper

from ecs_localai import App, EventReader, LocalModelsPlugin, OllamaConnectionStatusChanged

LONGEST_WAIT_SECONDS = 30.0


@dataclass
class Sign:
    """A sign in the game, with what is written on it."""

    text: str = "asking …"


class Writing(esper.Processor):
    """The game's own processor: writes our news on every sign."""

    def __init__(self, news: EventReader[OllamaConnectionStatusChanged]) -> None:
        self.news = news
        self.told = False

    def process(self, dt: float) -> None:
        for event in self.news.read():
            self.told = True
            for _, sign in esper.get_component(Sign):
                sign.text = "Ollama is here" if event.new_status else f"no Ollama: {event.error_message}"


def main() -> None:
    esper.switch_world("cave")
    sign = Sign()
    esper.create_entity(sign)
    with App() as app:
        app.add_plugins(LocalModelsPlugin())
        bridge = app.as_processor()
        writing = Writing(app.events(OllamaConnectionStatusChanged).reader())
        esper.add_processor(bridge, priority=1)  # before the game's own
        esper.add_processor(writing)
        end = time.monotonic() + LONGEST_WAIT_SECONDS
        while not writing.told and time.monotonic() < end:
            esper.process(1 / 60)
            time.sleep(1 / 60)
        print(f"The sign says: {sign.text}")

        ours = app.describe().entities
        esper.clear_database()
        esper.process(1 / 60)
        print(f"The game's world: {esper.current_world}, with {len(list(esper.get_entities()))} entities")
        print(f"Our world: {app.world.name}, with {app.describe().entities} of {ours} entities")
        esper.remove_processor(type(bridge))  # before the app ends; a bridge to an app that has ended does nothing


if __name__ == "__main__":
    main()
