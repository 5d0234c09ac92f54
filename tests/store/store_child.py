"""A process of its own that uses a store; the tests start several, or kill it.

store_child.py share FOLDER NAME N     waits for a line, then posts N rounds under its own name
store_child.py begin FOLDER            for each line it reads: begins a store in the folder of that name
store_child.py forget FOLDER           posts and ends without closing
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from ecs_localai.store import ModelUsage, Store


def say(line: object) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def post_round(store: Store, number: int) -> None:
    """History, usage, flag, setting: in this order, so that a reader can tell where a crash cut."""
    store.add_history(f"id-{number}", datetime.now(UTC), b'{"number":%d}' % number)
    store.set_model_usage("model", ModelUsage(number))
    store.set_flag(f"flag-{number % 7}", number % 2 == 0)
    store.set_setting("last", number)


def share(folder: Path, name: str, rounds: int) -> None:
    say("ready")
    sys.stdin.readline()
    with Store.open(folder) as store:
        for number in range(rounds):
            store.add_history(f"{name}-{number}", datetime.now(UTC), b"{}")
            store.set_flag(f"{name}-{number}", True)
            store.set_setting("shared", name)
            if number % 20 == 0:
                store.flush()
        saved = store.flush(60)
        say(f"{saved} {list(store.failures)}")


def begin(folder: Path) -> None:
    say("ready")
    for line in sys.stdin:
        with Store.open(folder / line.strip()) as store:
            store.set_flag("auto_models", True)
            say(f"{store.flush()} {store.notice} {list(store.failures)}")


def forget(folder: Path) -> None:
    store = Store.open(folder)
    for number in range(1, 1001):
        post_round(store, number)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["share", folder, name, rounds]:
            share(Path(folder), name, int(rounds))
        case ["begin", folder]:
            begin(Path(folder))
        case ["forget", folder]:
            forget(Path(folder))
        case _:
            sys.exit(__doc__)
