"""Fonts of the system for characters that Inter lacks: Chinese, Japanese, Korean, Arabic, emoji and others.

Found by file name in the folders where systems keep fonts, because asking fontconfig starts a program.
Nothing is searched before the first such character is drawn.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

from ecs_localai.panel.font_coverage import coverage_of

# In order of preference; a font is taken when the start of its file name, in lower case and without
# separators, is one of these. Only regular cuts.
_TEXT_NAMES = (
    "notosanscjk", "notosanssc", "notosansjp", "notosanskr", "sourcehansans", "pingfang", "hiraginosansgb",
    "msyh", "yugothr", "yugothm", "malgun", "meiryo", "wqymicrohei", "wqyzenhei", "droidsansfallback",
    "applesdgothicneo", "applesymbols", "segoeui", "notosansregular", "notosansarabic", "notosanshebrew",
    "notosansdevanagari", "notosansthai", "notosanssymbols", "dejavusans", "arialunicode", "arial",
    "freesans", "unifont", "segoeuisymbol", "seguisym",
)  # fmt: skip
_EMOJI_NAMES = ("notocoloremoji", "applecoloremoji", "seguiemj", "twemoji", "joypixels")
_OTHER_CUTS = ("bold", "italic", "oblique", "light", "thin", "black", "mono", "condensed", "medium", "serif")
_SUFFIXES = (".ttf", ".otf", ".ttc")


def _folders() -> list[Path]:
    home = Path.home()
    if sys.platform == "win32":
        folders = [Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts"]
        if local := os.environ.get("LOCALAPPDATA"):
            folders.append(Path(local) / "Microsoft" / "Windows" / "Fonts")
    elif sys.platform == "darwin":
        folders = [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library" / "Fonts"]
    else:
        data = os.environ.get("XDG_DATA_HOME")
        shared = os.environ.get("XDG_DATA_DIRS", "/usr/local/share:/usr/share").split(":")
        folders = [Path(data) / "fonts" if data else home / ".local" / "share" / "fonts", home / ".fonts"]
        folders += [Path(folder) / "fonts" for folder in shared if folder]
    return folders


@cache
def _font_files() -> list[tuple[str, Path]]:
    found = []
    for folder in _folders():
        for root, _, names in os.walk(folder):
            for name in names:
                if name.lower().endswith(_SUFFIXES):
                    plain = "".join(letter for letter in Path(name).stem.lower() if letter.isalnum())
                    found.append((plain, Path(root) / name))
    return sorted(found)


@cache
def fallback_paths(*, emoji: bool) -> tuple[Path, ...]:
    """The system's font files worth asking for a character, best first."""
    wanted = _EMOJI_NAMES if emoji else _TEXT_NAMES
    chosen: list[Path] = []
    for start in wanted:
        for plain, path in _font_files():
            rest = plain[len(start) :]
            if plain.startswith(start) and not any(cut in rest for cut in _OTHER_CUTS) and path not in chosen:
                chosen.append(path)
    return tuple(chosen)


@cache
def fallback_for(cluster: str, *, emoji: bool) -> Path | None:
    """The first font of the system that can draw a cluster of characters, or None where there is none."""
    asked = "".join(letter for letter in cluster if letter not in "\u200d\ufe0e\ufe0f") or cluster
    groups = (True, False) if emoji else (False, True)
    for group in groups:
        for path in fallback_paths(emoji=group):
            covered = coverage_of(path)
            if all(ord(letter) in covered for letter in asked):
                return path
    return None
