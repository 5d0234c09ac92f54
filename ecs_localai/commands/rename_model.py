"""``ecs-localai rename``: a model gets another name, and what is known of its use goes with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ecs_localai.commands.asking import ask_all
from ecs_localai.commands.copy_model import another_name, tell_copied, with_label
from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import warn
from ecs_localai.components.events import ModelCopied
from ecs_localai.ollama.errors import OllamaError
from ecs_localai.ollama.names import parse_model_name


def rename_model(target: Target, model: str, new_name: str, as_json: bool, on: Sequence[str] = ()) -> int:
    """Give a model another name instead of its own, on the hosts that `on` names, else on the chosen one.

    Returns the exit code. Ollama cannot rename: the model is copied, which takes no room, and its old name deleted.

    Raises:
        CommandFailed: the model is not there, the new name is taken, a host does not answer, or both names are there.
        OllamaError: a name is none, or the only host does not answer.
    """
    source, wanted = parse_model_name(model), parse_model_name(new_name)
    book = target.book()
    hosts = book.require_all(on) if on else [book.chosen]
    several = len(hosts) > 1
    troubles: list[str] = []
    renamed: list[tuple[str, tuple[str, str]]] = []
    answers = ask_all(hosts, lambda client: another_name(client, source, wanted, move=True))
    for host, answer in zip(hosts, answers, strict=True):
        label, base_url = host.name if several else "", host.config.base_url
        if isinstance(answer, tuple):
            renamed.append((base_url, answer))
            tell_copied(ModelCopied(*answer, True, base_url), label, as_json)
            continue
        if isinstance(answer, OllamaError) and not several:
            raise answer
        troubles.append(with_label(answer.message if isinstance(answer, OllamaError) else answer, label))
    _move_usage(target.folder(), renamed)
    if troubles:
        raise CommandFailed(*troubles)
    return 0


def _move_usage(folder: Path, renamed: Sequence[tuple[str, tuple[str, str]]]) -> None:
    """Keep under the new names how often the models were used. Where nothing is kept, nothing is created."""
    from ecs_localai.store.opening import FILE_NAME
    from ecs_localai.store.reading import is_there

    if not renamed or not is_there(folder / FILE_NAME):
        return
    from ecs_localai.store.store import Store
    from ecs_localai.store.tables import Table

    with Store.open(folder) as store:
        kept = store.initial.model_usage
        store.failures.clear()  # about other rows, which a start of the panel tells
        for base_url, (old, new) in renamed:
            old_id = f"{base_url}/{old}"  # as `InstalledModel.model_id`
            usage = kept.get(old_id) or kept.get(old)
            if usage is not None:
                store.set_model_usage(f"{base_url}/{new}", usage)
                store.remove(Table.MODEL_USAGE, old_id)
        if not store.flush():
            reason = store.notice or " ".join(store.failures) or "The disk took too long."
            warn(f"How often it was used could not be kept under the new name. {reason}")
