"""The panel on a real host: a model is loaded, kept, copied, renamed and unloaded by its row's controls."""

from __future__ import annotations

from pathlib import Path

from tests.panel.panel_driver import Driver
from tests.rig.model_files import TINY_PARAMETERS, create_model, write_gguf
from tests.rig.ollama_server import OllamaServer
from tests.systems.systems_parts import Driven

NAME = "life:latest"


class Program(Driven):
    """An app whose view a panel shows, and whose intents come from that panel."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.driver = Driver(self.view, reduced_motion=True)

    def update(self, dt: float | None = None) -> None:
        """One frame of the app, then one of the panel."""
        super().update(dt)
        self.driver.panel.show(self.view)
        self.driver.paint()

    def press(self, node_id: str) -> None:
        """Press a control, and hand on what comes of it."""
        self.driver.activate(node_id)
        self.hand_on()

    def hand_on(self) -> None:
        """Write the panel's intents into the world."""
        for intent in self.driver.take_intents():
            self.write(intent)


def test_the_life_of_a_model(fresh_ollama: OllamaServer, tmp_path: Path) -> None:
    create_model(fresh_ollama, NAME, write_gguf(tmp_path / "life.gguf", 400_000), parameters=TINY_PARAMETERS)
    with Program(fresh_ollama.port) as program:
        driver = program.driver
        program.connect()
        program.until(lambda: program.model_row(NAME))
        program.update()
        program.press(f"model-more:{NAME}")
        program.press(f"stay:{NAME}")
        program.until(lambda: driver.has(f"unload:{NAME}") and driver.node(f"stay:{NAME}").value == "on")
        assert driver.focused() == f"stay:{NAME}"
        program.press(f"copy:{NAME}")
        driver.fill("new-name", "second")
        program.press("new-name-submit")
        program.until(lambda: program.model_row("second:latest"))
        program.until(lambda: driver.node(f"rename:{NAME}").enabled)
        program.press(f"unload:{NAME}")
        program.until(lambda: driver.has(f"load:{NAME}") and driver.node(f"load:{NAME}").enabled)
        program.press(f"rename:{NAME}")
        driver.fill("new-name", "third")
        program.press("new-name-submit")
        program.until(lambda: program.model_row("third:latest") and not program.model_row(NAME))
        assert sorted(fresh_ollama.model_names()) == ["second:latest", "third:latest"]
        assert not program.notices()
