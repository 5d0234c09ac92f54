"""A program that the window tests drive: a `PanelWindow` with a `Panel`, telling what happens as JSON lines.

It is a host of the panel as any other: the tests look at it from outside, with real input.
"""

from __future__ import annotations

import json
import sys
import threading
import time

import msgspec
import pygame

from ecs_localai.components.panel_intents import ToggleRequested
from ecs_localai.panel.panel import Panel
from ecs_localai.panel.window import PanelWindow
from tests.panel.panel_samples import connected_view


def tell(**parts: object) -> None:
    """One line for the test."""
    sys.stdout.write(json.dumps(parts) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run until the window is closed. A line on standard input: ``scene``, ``wake``, ``snapshot FILE`` or ``idle``."""
    view = connected_view()
    view.installations = [row for row in view.installations if row.fraction is not None]
    commands: list[str] = []
    with PanelWindow((900, 800), theme="light") as window:

        def emit(intent: object) -> None:
            tell(intent=type(intent).__name__, fields=msgspec.to_builtins(intent))
            if isinstance(intent, ToggleRequested):
                for row in view.features[0].toggles:
                    row.on = intent.on if row.feature_id == intent.feature_id else row.on
                view.revision += 1

        def read_commands() -> None:
            for line in sys.stdin:
                commands.append(line.strip())
                window.wake()

        threading.Thread(target=read_commands, daemon=True).start()
        panel = Panel(window.size, theme="light", scale=window.scale, emit=emit)
        tell(handle=window.handle, scale=window.scale, size=window.size)
        frames = 0
        while not window.close_requested:
            due = panel.next_due
            window.wait(None if due is None else max(0.0, due - time.monotonic()))
            for event in window.pump():
                panel.handle_event(event)
            panel.resize(window.size, window.scale)
            panel.show(view)
            window.present(panel.paint(window.surface))
            window.follow(panel)
            frames += 1
            while commands:
                obey(commands.pop(0), panel, window, frames)
    tell(closed=True, display=pygame.display.get_init())


def obey(command: str, panel: Panel, window: PanelWindow, frames: int) -> None:
    """Do what the test asked for."""
    name, _, rest = command.partition(" ")
    if name == "scene":
        found = {
            node.id: {"rect": list(node.rect), "value": node.value, "focused": node.focused, "visible": node.visible}
            for node in panel.scene().walk()
        }
        tell(scene=found, size=list(window.size), frames=frames, moving=panel.animating)
    elif name == "snapshot":
        pygame.image.save(panel.snapshot(), rest)
        tell(saved=rest)


if __name__ == "__main__":
    main()
