"""The panel inside somebody else's pygame program, on a part of its window.

The host keeps its loop, its window and its clock. Once a frame it hands the panel its input, runs one frame of our
world, and blits the panel's surface; only what changed on it was painted. Close the window to end, or give a number
of frames: ``python examples/guest_in_pygame.py 120``.
"""

from __future__ import annotations

import sys

import pygame

from ecs_localai import App, LocalModelsPlugin, Panel, PanelView

PANEL_AT = (300, 20)
PANEL_SIZE = (620, 560)


def moved(event: pygame.event.Event) -> pygame.event.Event:
    """The event with its position counted from the panel's corner."""
    if not hasattr(event, "pos"):
        return event
    x, y = event.pos
    return pygame.event.Event(event.type, {**event.dict, "pos": (x - PANEL_AT[0], y - PANEL_AT[1])})


def main() -> None:
    frames = int(sys.argv[1]) if len(sys.argv) > 1 else -1
    pygame.display.init()
    screen = pygame.display.set_mode((940, 600))
    clock = pygame.time.Clock()
    with App() as app:
        app.add_plugins(LocalModelsPlugin())
        panel = Panel(PANEL_SIZE, theme="dark", emit=app.send_event)
        surface = pygame.Surface(PANEL_SIZE, 0, 32)
        ball = pygame.Vector2(150, 300)
        speed = pygame.Vector2(190, 230)
        running = True
        while running and frames != 0:
            frames -= 1
            for event in pygame.event.get():
                running = running and event.type != pygame.QUIT
                panel.handle_event(moved(event))
            dt = clock.tick(60) / 1000
            app.update(dt)
            panel.show(app.world.resource(PanelView))
            panel.paint(surface)
            # The game's own frame: a ball that would stutter if we ever made it wait.
            ball += speed * dt
            speed.x *= -1 if not 20 < ball.x < 260 and (ball.x - 140) * speed.x > 0 else 1
            speed.y *= -1 if not 20 < ball.y < 580 and (ball.y - 300) * speed.y > 0 else 1
            screen.fill((24, 26, 32))
            pygame.draw.aacircle(screen, (255, 184, 77), ball, 16)
            screen.blit(surface, PANEL_AT)
            pygame.display.flip()
    pygame.display.quit()


if __name__ == "__main__":
    main()
