"""``ecs-localai import``: local GGUF files, or a Modelfile, as a model of a host."""

from __future__ import annotations

from collections.abc import Sequence

from ecs_localai.commands.making import MakeOptions, make_models
from ecs_localai.commands.target import Target
from ecs_localai.commands.waiting_note import WaitingNote


def import_files(target: Target, files: Sequence[str], options: MakeOptions) -> int:
    """Look at files that make up one model, and make it; returns the exit code.

    Raises:
        CommandFailed: it was not made.
        OllamaError: the files are no model, or the only host does not answer.
    """
    from ecs_localai.systems.import_look import look_at_import

    with WaitingNote(options.as_json) as note, note.about("Looking at the files"):
        looked = look_at_import(files)
    return make_models(target, looked, options)
