"""Words with a colon, as bash completes them.

To bash a colon ends a word (readline's ``COMP_WORDBREAKS``), so of ``qwen3:4b`` it gives a completion three words, and
replaces the last one by what it is offered. Other shells leave such words whole.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, MutableMapping
from contextlib import redirect_stdout


def complete_whole_words(environ: MutableMapping[str, str], complete: Callable[[], None]) -> None:
    """Let `complete` see whole words, and print what it offers as bash wants it: without what is before the colon."""
    typed = _join_at_colons(environ)
    before = typed[: typed.rfind(":") + 1]
    offered = io.StringIO()
    try:
        with redirect_stdout(offered):
            complete()
    finally:  # it ends by SystemExit
        lines = filter(None, offered.getvalue().splitlines())  # where there is nothing, an empty one is printed
        sys.stdout.write("".join(f"{line.removeprefix(before)}\n" for line in lines))


def _join_at_colons(environ: MutableMapping[str, str]) -> str:
    """Put together what bash has broken at colons, up to the word that is being typed; returns that if it was broken.

    ``COMP_WORDS`` has a word a line, ``COMP_CWORD`` is the number of the one that is being typed.
    """
    words = environ.get("COMP_WORDS", "").split("\n")
    at = environ.get("COMP_CWORD", "")
    if not at.isdecimal() or int(at) >= len(words):
        return ""
    joined: list[str] = []
    is_broken = is_colon = False
    for word in words[: int(at) + 1]:
        after_colon, is_colon = is_colon, bool(word) and not word.strip(":")
        is_broken = bool(joined) and (is_colon or after_colon)
        if is_broken:
            joined[-1] += word
        else:
            joined.append(word)
    environ["COMP_WORDS"], environ["COMP_CWORD"] = "\n".join(joined), str(len(joined) - 1)
    return joined[-1] if is_broken else ""
