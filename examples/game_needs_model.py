"""A game that needs a model, and starts playing while it downloads: an innkeeper with tales of her own.

A traveller walks through an inn, the arrow keys turn him, and each time he passes the innkeeper she says something.
Until her model is there she says what was written for her, and a bar shows how far the download is; then she tells
tales of her own, and the third one ends the evening. The model is a component on her entity; a smaller one will do if
that is there, and nothing over 4 GB is installed. Asking happens in the background, so no frame ever waits. Give
another model, and a number of frames if you like: ``python examples/game_needs_model.py llama3.2:1b 600``.
"""

from __future__ import annotations

import itertools
import sys
from dataclasses import dataclass

import pygame

from ecs_localai import App, LocalModelsPlugin, RequiredModel, RequiresModel, Task
from ecs_localai.ollama import OllamaClient, OllamaError

SIZE = WIDTH, HEIGHT = 640, 360
SPEED = 400.0  # points a second
TALES = 3
WRITTEN = (
    "Good evening, traveller.",
    "The soup is still hot.",
    "They say the old bridge is haunted.",
    "Mind the step.",
)
PROMPT = "You are an innkeeper in a fantasy game. Tell a traveller a rumour, in one short sentence."


@dataclass
class Innkeeper:
    line: str = ""
    told: int = 0
    tale: Task[str] | None = None


@dataclass
class Traveller:
    x: float = 40.0
    speed: float = SPEED


async def make_up_a_tale(host: str, model: str) -> str:
    """Ask the model, in the background. The answer is bounded: by itself a model may go on and on."""
    async with OllamaClient(host) as client:
        reply = await client.generate(model, PROMPT, options={"num_predict": 40}, keep_alive="5m")
    return " ".join("".join(char if char.isprintable() else " " for char in reply.response).split()) or "…"


def speak(app: App, innkeeper: Innkeeper, required: RequiredModel | None, written: itertools.cycle[str]) -> None:
    """Her own tale if one is ready, else what was written for her; and have the next tale made up."""
    innkeeper.line = next(written)
    try:
        tale = innkeeper.tale.check_ready() if innkeeper.tale is not None else None
    except OllamaError as error:
        tale, innkeeper.line = None, f"I have lost the thread. ({error.message})"
    if tale is not None:
        innkeeper.line = tale
        innkeeper.told += 1
    if innkeeper.tale is not None and innkeeper.tale.is_finished():
        innkeeper.tale = None
    if innkeeper.tale is None and required is not None and required.is_ready:
        innkeeper.tale = app.tasks.spawn(make_up_a_tale(required.host, required.model_name), "a tale")
    print("She tells:" if tale is not None else "She says:", innkeeper.line)


def walk(traveller: Traveller, dt: float) -> bool:
    """Move the traveller; returns whether he has passed the innkeeper."""
    before = traveller.x
    traveller.x += traveller.speed * dt
    if not 20 < traveller.x < WIDTH - 20:
        traveller.speed = SPEED if traveller.x <= 20 else -SPEED
    return (before - WIDTH / 2) * (traveller.x - WIDTH / 2) <= 0 < abs(traveller.x - before)


def draw(
    screen: pygame.Surface, font: pygame.font.Font, man: Traveller, line: str, required: RequiredModel | None
) -> None:
    screen.fill((38, 28, 24))
    pygame.draw.rect(screen, (92, 64, 44), (0, HEIGHT - 80, WIDTH, 80))
    pygame.draw.circle(screen, (222, 120, 90), (WIDTH // 2, HEIGHT - 120), 22)
    pygame.draw.circle(screen, (120, 170, 220), (round(man.x), HEIGHT - 70), 18)
    screen.blit(font.render(line[:90], True, (250, 236, 210)), (20, HEIGHT - 190))
    if required is not None and not required.is_ready:
        screen.blit(font.render(f"Her own tales: {required.reason}"[:90], True, (190, 170, 150)), (20, 20))
        pygame.draw.rect(screen, (70, 56, 48), (20, 46, WIDTH - 40, 6))
        pygame.draw.rect(screen, (240, 180, 80), (20, 46, (WIDTH - 40) * (required.fraction or 0.0), 6))


def main() -> None:
    model = sys.argv[1] if len(sys.argv) > 1 else "qwen3:4b"
    frames = int(sys.argv[2]) if len(sys.argv) > 2 else -1
    pygame.display.init()
    pygame.font.init()
    screen, font, clock = pygame.display.set_mode(SIZE), pygame.font.Font(None, 22), pygame.time.Clock()
    traveller, innkeeper, written = Traveller(), Innkeeper(), itertools.cycle(WRITTEN)
    with App() as app:
        app.add_plugins(LocalModelsPlugin())
        needs = RequiresModel(model, ["qwen3:1.7b", "llama3.2:1b"], max_gb=4, install=True, who="The innkeeper")
        entity = app.world.spawn(innkeeper, needs)
        while frames != 0 and innkeeper.told < TALES:
            frames -= 1
            for event in pygame.event.get():
                if event.type == pygame.QUIT:
                    return
                if event.type == pygame.KEYDOWN and event.key in (pygame.K_LEFT, pygame.K_RIGHT):
                    traveller.speed = -SPEED if event.key == pygame.K_LEFT else SPEED
            dt = clock.tick(60) / 1000
            app.update(dt)
            required = app.world.get(entity, RequiredModel)  # how it stands: kept true beside what she requires
            if walk(traveller, dt):
                speak(app, innkeeper, required, written)
            draw(screen, font, traveller, innkeeper.line, required)
            pygame.display.flip()
        print("The evening ends." if innkeeper.told >= TALES else "The inn closes.")


if __name__ == "__main__":
    main()
