"""A plugin: a part that any app can add, with a setting, a resource, an event and set-up in the background.

`SpellingPlugin` learns the words of a text file. Reading it is no business of the frame thread, so it is a background
task, and the plugin says with `ready` when it has ended; the first frame waits for that. From then on each entity with
a `Text` is looked through once, and words that are not in the file are told as events.
``python examples/plugin_of_your_own.py FILE TEXT`` tries it; without arguments it learns from the licence.
"""

from __future__ import annotations

import asyncio
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from ecs_localai import Added, App, EventReader, EventWriter, Plugin, Query, Res, ScheduleRunner, Task, Update


@dataclass(frozen=True)
class Text:
    """A component: words to look through."""

    words: str


@dataclass(frozen=True)
class Misspelt:
    """An event: a word of an entity's text is not known."""

    entity: int
    word: str


@dataclass(frozen=True)
class KnownWords:
    """A resource: what the plugin has learnt."""

    words: frozenset[str]


def words_of(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


def look_through(texts: Query[Text, Added[Text]], known: Res[KnownWords], misspelt: EventWriter[Misspelt]) -> None:
    for entity, text in texts:
        for word in words_of(text.words):
            if word not in known.words:
                misspelt.write(Misspelt(entity, word))


class SpellingPlugin(Plugin):
    """Tells which words of a `Text` are not in the file `learn_from`."""

    def __init__(self, learn_from: Path) -> None:
        self.learn_from = learn_from
        self.reading: Task[str] | None = None

    def build(self, app: App) -> None:
        app.add_event(Misspelt)
        app.add_systems(Update, look_through)
        self.reading = app.tasks.spawn(asyncio.to_thread(self.learn_from.read_text, encoding="utf-8"))

    def ready(self, app: App) -> bool:
        return self.reading is None or self.reading.is_finished()

    def finish(self, app: App) -> None:
        text = self.reading.check_ready() if self.reading is not None else None  # raises what the reading raised
        app.insert_resource(KnownWords(frozenset(words_of(text or ""))))


def show(misspelt: EventReader[Misspelt]) -> None:
    for event in misspelt.read():
        print(f"not known: {event.word}")


def main() -> int:
    arguments = sys.argv[1:] or [str(Path(__file__).parents[1] / "LICENSE"), "the sofware is provided as it is"]
    if len(arguments) != 2:
        print("usage: plugin_of_your_own.py FILE TEXT", file=sys.stderr)
        return 2
    with App() as app:
        app.add_plugins(SpellingPlugin(Path(arguments[0])))
        app.add_systems(Update, show)
        app.world.spawn(Text(arguments[1]))
        try:
            return ScheduleRunner(frames=2)(app)
        except OSError as error:
            print(f"The words cannot be learnt: {error}", file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(main())
