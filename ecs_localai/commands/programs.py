"""Which program a process is, in a few words."""

from __future__ import annotations

from pathlib import PurePath

_OURS = ("ecs-localai", "ecs_localai")


def program_text(pid: int) -> str:
    """``ecs-localai install (4711)``; the process' number alone where the system does not say more."""
    import psutil

    try:
        words = psutil.Process(pid).cmdline()
    except psutil.Error:
        words = []
    told = _told(words)
    return f"{told} ({pid})" if told else f"process {pid}"


def _told(words: list[str]) -> str:
    """``ecs-localai`` with its subcommand, or the name of the script or program."""
    for number, word in enumerate(words):
        path = PurePath(word)
        if path.stem in _OURS or path.parent.name in _OURS:  # `python -m ecs_localai` is shown as …/__main__.py, too
            command = next((one for one in words[number + 1 :] if not one.startswith("-")), "")
            return f"ecs-localai {command}".rstrip() if command.isalpha() else "ecs-localai"
    script = next((PurePath(word).name for word in words[1:] if word.endswith(".py")), "")
    return script or (PurePath(words[0]).name if words else "")
