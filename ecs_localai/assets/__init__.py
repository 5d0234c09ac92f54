"""Where the fonts and icons are that the panel draws with.

They are built from packages by ``scripts/build_assets.py`` and are part of every wheel; a checkout gets
them with ``make assets``. Fonts: Inter (SIL Open Font License). Icons: Lucide (ISC). The licences lie
beside them in ``licenses``.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from pathlib import Path

import msgspec

_FOLDER = Path(__file__).resolve().parent
_FONTS = _FOLDER / "fonts"


class AssetsMissing(Exception):
    """The fonts have not been built, or some of them are gone."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"The panel's fonts are missing ({path.name} is not in {path.parent}). "
            "In a checkout, run `make assets`; otherwise install the package again."
        )
        self.path = path


class FontWeight(StrEnum):
    """The cuts of Inter that there are."""

    REGULAR = "Inter-Regular"
    MEDIUM = "Inter-Medium"
    SEMI_BOLD = "Inter-SemiBold"
    DISPLAY = "InterDisplay-SemiBold"
    """SemiBold drawn for large sizes (20 px and more)."""
    REGULAR_TABULAR = "Inter-Regular-Tabular"
    """Digits of one width, so that changing numbers don't jump; Latin only."""
    MEDIUM_TABULAR = "Inter-Medium-Tabular"
    DISPLAY_TABULAR = "InterDisplay-SemiBold-Tabular"


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise AssetsMissing(path)
    return path


def font_path(weight: FontWeight) -> Path:
    """The TrueType file of a cut of Inter.

    Raises:
        AssetsMissing: the fonts have not been built.
    """
    return _existing(_FONTS / f"{weight.value}.ttf")


def icon_font_path() -> Path:
    """The TrueType file of the Lucide icons; see `icon_code_points`.

    Raises:
        AssetsMissing: the fonts have not been built.
    """
    return _existing(_FONTS / "Lucide.ttf")


class _Manifest(msgspec.Struct):
    """The part of the build's manifest that is needed here."""

    icons: dict[str, int]
    coverage: dict[str, list[tuple[int, int]]]


@cache
def _manifest() -> _Manifest:
    path = _existing(_FONTS / "manifest.json")
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise AssetsMissing(path) from error


def icon_code_points() -> dict[str, int]:
    """The code point in the icon font of every icon there is, by Lucide's name for it (``"trash-2"``).

    Raises:
        AssetsMissing: the fonts have not been built, or their manifest cannot be read.
    """
    return _manifest().icons


@cache
def covered_characters(weight: FontWeight) -> frozenset[int]:
    """The code points that a cut of Inter can draw. Others need a font of the system.

    Raises:
        AssetsMissing: the fonts have not been built, or their manifest cannot be read.
    """
    ranges = _manifest().coverage["tabular" if weight.value.endswith("Tabular") else "plain"]
    return frozenset(point for first, last in ranges for point in range(first, last + 1))


def licence_paths() -> list[Path]:
    """The licence texts of what the fonts were made from.

    Raises:
        AssetsMissing: the fonts have not been built.
    """
    found = sorted((_FOLDER / "licenses").glob("*.txt"))
    if not found:
        raise AssetsMissing(_FOLDER / "licenses" / "Inter-OFL.txt")
    return found
