"""Text cut where a person sees one character end and the next begin.

A small subset of Unicode's rules (UAX 29): combining marks, variation selectors, joined emoji, skin tones,
pairs of regional indicators (flags). The caret moves, and deleting works, by these clusters.
"""

from __future__ import annotations

import unicodedata

_JOINER = "\u200d"


def _extends(letter: str) -> bool:
    """Whether a character belongs to the one before it."""
    point = ord(letter)
    if point < 0x300:
        return False
    return (
        letter == _JOINER
        or 0xFE00 <= point <= 0xFE0F
        or 0x1F3FB <= point <= 0x1F3FF
        or 0xE0020 <= point <= 0xE007F
        or unicodedata.category(letter) in ("Mn", "Me")
    )


def _is_flag_half(letter: str) -> bool:
    return 0x1F1E6 <= ord(letter) <= 0x1F1FF


def clusters(text: str) -> list[str]:
    """``text`` as the characters that a person sees."""
    if text.isascii():
        return list(text)
    found: list[str] = []
    for letter in text:
        previous = found[-1] if found else ""
        flag_pair = len(previous) == 1 and _is_flag_half(previous) and _is_flag_half(letter)
        if previous and (_extends(letter) or previous[-1] == _JOINER or flag_pair):
            found[-1] += letter
        else:
            found.append(letter)
    return found


def is_emoji(cluster: str) -> bool:
    """Whether a cluster is shown as a picture rather than as a letter or sign."""
    point = ord(cluster[0])
    if "\ufe0f" in cluster or 0x1F000 <= point <= 0x1FAFF:
        return "\ufe0e" not in cluster
    return False


def boundaries(text: str) -> list[int]:
    """The places, as indices into ``text``, where the caret may stand; the first is 0."""
    places = [0]
    for cluster in clusters(text):
        places.append(places[-1] + len(cluster))
    return places
