"""Make the fonts that the panel draws with, from the packages `fontpkg-inter` and `iconipy`.

    python scripts/build_assets.py            # builds what is missing or out of date
    python scripts/build_assets.py --force    # builds everything

Writes static, subset cuts of Inter and a subset of the Lucide icon font to `ecs_localai/assets/fonts/`,
with `manifest.json` (every file, the code point of every icon, the characters covered), and the licences of
both to `ecs_localai/assets/licenses/`. Nothing is downloaded: the sources are installed packages. When the
manifest matches the sources and this script, nothing is done.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import importlib.util
import io
import json
import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fontTools.ttLib import TTFont

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "ecs_localai" / "assets"


@dataclass(frozen=True)
class Cut:
    """One static cut of Inter: weight, optical size, and whether its digits are all equally wide."""

    file_name: str
    weight: int
    optical_size: int
    tabular: bool = False


CUTS = (
    Cut("Inter-Regular.ttf", 400, 14),
    Cut("Inter-Medium.ttf", 500, 14),
    Cut("Inter-SemiBold.ttf", 600, 14),
    Cut("InterDisplay-SemiBold.ttf", 600, 26),
    Cut("Inter-Regular-Tabular.ttf", 400, 14, tabular=True),
    Cut("Inter-Medium-Tabular.ttf", 500, 14, tabular=True),
    Cut("InterDisplay-SemiBold-Tabular.ttf", 600, 20, tabular=True),
)
ICON_FILE = "Lucide.ttf"
MANIFEST = "manifest.json"

# Latin with its extensions, combining marks, Greek, Cyrillic, Vietnamese, punctuation, superscripts,
# currency, letter-like signs, fractions, arrows, mathematical operators, technical and geometric signs.
TEXT_RANGES = (
    (0x20, 0x7E), (0xA0, 0x24F), (0x2B0, 0x2FF), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x52F),
    (0x1E00, 0x1EFF), (0x2000, 0x206F), (0x2070, 0x209F), (0x20A0, 0x20BF),
    (0x2100, 0x214F), (0x2150, 0x218F), (0x2190, 0x21FF), (0x2200, 0x22FF), (0x2300, 0x23FF),
    (0x25A0, 0x25FF), (0xFFFD, 0xFFFD),
)  # fmt: skip
# The tabular cuts show measurements only; other letters are taken from the plain cut.
TABULAR_RANGES = ((0x20, 0x7E), (0xA0, 0xFF), (0x2000, 0x206F), (0x2190, 0x2193), (0x2212, 0x2212))
# SDL_ttf can't switch features on, so tnum is kept by pointing the tabular cuts' digits at its glyphs.
FEATURES = ("kern", "calt", "ccmp", "locl", "mark", "mkmk")

ICONS = (
    "activity", "arrow-down-to-line", "arrow-right", "blocks", "book-open", "bot", "box", "boxes", "brain",
    "cable", "chart-line", "check", "chevron-down", "chevron-right", "chevron-up", "circle-alert",
    "circle-check", "circle-x", "clock", "container", "copy", "cpu", "database", "download", "external-link",
    "eye", "flask-conical", "folder", "gauge", "git-branch", "git-fork", "globe", "hard-drive", "history",
    "image", "info", "key", "languages", "layers", "lightbulb", "link", "list", "loader-circle", "lock",
    "memory-stick", "message-square", "messages-square", "microchip", "monitor", "moon", "network",
    "package", "pause", "play", "plug", "plus", "power", "puzzle", "refresh-cw", "rotate-ccw", "search",
    "send", "server", "settings", "share-2", "shield-check", "sliders-horizontal", "sparkles", "split",
    "sun", "terminal", "thermometer", "toggle-right", "trash-2", "triangle-alert", "unplug", "upload",
    "user", "webhook", "wifi-off", "workflow", "wrench", "x", "zap",
)  # fmt: skip


class MissingPackage(Exception):
    """A package that the fonts are made from is not installed."""


def _package_folder(module: str, distribution: str) -> Path:
    """Where an installed package lies, without importing it."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise MissingPackage(
            f"The package {distribution} is not installed. Install what the fonts are made from with "
            "`pip install -e '.[assets]'`, then run this again."
        )
    return Path(spec.origin).parent


def _source_key(inter: Path, lucide: Path) -> str:
    """Changes whenever the result could: the sources, the font library's version, this script."""
    digest = hashlib.sha256()
    for part in (inter.read_bytes(), lucide.read_bytes(), Path(__file__).read_bytes()):
        digest.update(hashlib.sha256(part).digest())
    digest.update(importlib.metadata.version("fonttools").encode())
    return digest.hexdigest()


def _is_current(fonts: Path, licences: Path, key: str) -> bool:
    try:
        manifest = json.loads((fonts / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    if manifest.get("source_key") != key:
        return False
    for name, sha256 in manifest.get("files", {}).items():
        path = fonts / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            return False
    return all((licences / name).is_file() for name in manifest.get("licenses", []))


def _code_points(ranges: tuple[tuple[int, int], ...]) -> list[int]:
    return [point for first, last in ranges for point in range(first, last + 1)]


def _subset(font: TTFont, code_points: list[int], features: tuple[str, ...]) -> None:
    from fontTools import subset

    options = subset.Options(
        layout_features=list(features),
        hinting=False,
        notdef_outline=True,
        name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14],
    )
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=code_points)
    subsetter.subset(font)


def _use_tabular_digits(font: TTFont) -> None:
    """Point the characters at the glyphs that the feature tnum would put there."""
    table = font["GSUB"].table
    substitutions: dict[str, str] = {}
    for record in table.FeatureList.FeatureRecord:
        if record.FeatureTag != "tnum":
            continue
        for index in record.Feature.LookupListIndex:
            for subtable in table.LookupList.Lookup[index].SubTable:
                inner = getattr(subtable, "ExtSubTable", subtable)
                substitutions.update(getattr(inner, "mapping", {}))
    for cmap in font["cmap"].tables:
        cmap.cmap = {point: substitutions.get(glyph, glyph) for point, glyph in cmap.cmap.items()}


def _subset_inter(source: Path, *, tabular: bool) -> bytes:
    """Inter, still variable, with only the characters kept: every cut is made from this."""
    from fontTools.ttLib import TTFont

    font = TTFont(source)
    if tabular:
        _use_tabular_digits(font)
    _subset(font, _code_points(TABULAR_RANGES if tabular else TEXT_RANGES), FEATURES)
    data = io.BytesIO()
    font.save(data)
    return data.getvalue()


def _coverage(font_file: bytes) -> list[list[int]]:
    """The characters a font has, as first and last of each range."""
    from fontTools.ttLib import TTFont

    ranges: list[list[int]] = []
    for point in sorted(TTFont(io.BytesIO(font_file)).getBestCmap()):
        if ranges and ranges[-1][1] == point - 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    return ranges


def _build_cuts(source: Path, folder: Path) -> dict[str, list[list[int]]]:
    """Write the cuts. Returns which characters the plain and the tabular ones have."""
    from fontTools.ttLib import TTFont
    from fontTools.varLib import instancer

    subsets = {tabular: _subset_inter(source, tabular=tabular) for tabular in (False, True)}
    for cut in CUTS:
        font = TTFont(io.BytesIO(subsets[cut.tabular]))
        location = {"wght": cut.weight, "opsz": cut.optical_size}
        instancer.instantiateVariableFont(font, location, inplace=True)
        _save(font, folder / cut.file_name)
    return {"plain": _coverage(subsets[False]), "tabular": _coverage(subsets[True])}


def _save(font: TTFont, target: Path) -> None:
    """Save without the current time, so that the same sources always give the same bytes."""
    font["head"].modified = font["head"].created
    font.recalcTimestamp = False
    font.save(target)


def _build_icons(lucide: Path, info: Path, target: Path) -> dict[str, int]:
    from fontTools.ttLib import TTFont

    known = json.loads(info.read_text(encoding="utf-8"))
    missing = [name for name in ICONS if name not in known]
    if missing:
        raise MissingPackage(
            f"The installed iconipy has no icon named {', '.join(missing)}. "
            "Install the version that pyproject.toml names, then run this again."
        )
    points = {name: int(known[name]["encodedCode"].lstrip("\\"), 16) for name in ICONS}
    font = TTFont(lucide)
    _subset(font, sorted(points.values()), ())
    # The file says that every outline begins at the left edge, and rasterisers shift it there: say where it does.
    for name in font.getGlyphOrder():
        glyph = font["glyf"][name]
        glyph.recalcBounds(font["glyf"])
        font["hmtx"][name] = (font["hmtx"][name][0], getattr(glyph, "xMin", 0))
    _save(font, target)
    return points


def build(assets: Path = ASSETS, *, force: bool = False) -> bool:
    """Build the fonts and licences into ``assets``.

    Returns:
        True when something was built, False when all was up to date.

    Raises:
        MissingPackage: a source package is not installed, or lacks an icon.
    """
    inter_package = _package_folder("fontpkg_inter", "fontpkg-inter")
    lucide_folder = _package_folder("iconipy", "iconipy") / "assets" / "lucide"
    inter = inter_package / "files" / "Inter[opsz,wght].ttf"
    lucide = lucide_folder / "lucide.ttf"
    fonts, licences = assets / "fonts", assets / "licenses"
    key = _source_key(inter, lucide)
    if not force and _is_current(fonts, licences, key):
        return False
    # fontTools reports two padding bytes in Lucide's name table; nothing of it is kept.
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    fonts.mkdir(parents=True, exist_ok=True)
    licences.mkdir(parents=True, exist_ok=True)
    (fonts / MANIFEST).unlink(missing_ok=True)  # an interrupted build must not look finished
    coverage = _build_cuts(inter, fonts)
    icons = _build_icons(lucide, lucide_folder / "info.json", fonts / ICON_FILE)
    texts = {"Inter-OFL.txt": inter_package / "LICENSE", "Lucide-ISC.txt": lucide_folder / "LICENSE.txt"}
    for name, source in texts.items():
        (licences / name).write_bytes(source.read_bytes())
    names = [*(cut.file_name for cut in CUTS), ICON_FILE]
    manifest = {
        "source_key": key,
        "sources": {name: importlib.metadata.version(name) for name in ("fontpkg-inter", "iconipy")},
        "files": {name: hashlib.sha256((fonts / name).read_bytes()).hexdigest() for name in names},
        "licenses": sorted(texts),
        "icons": icons,
        "coverage": coverage,
    }
    (fonts / MANIFEST).write_text(json.dumps(manifest, sort_keys=True) + "\n", encoding="utf-8")
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the panel's fonts from installed packages.")
    parser.add_argument("--force", action="store_true", help="build even when all is up to date")
    arguments = parser.parse_args()
    try:
        built = build(force=arguments.force)
    except MissingPackage as error:
        print(error, file=sys.stderr)
        return 1
    where = (ASSETS / "fonts").relative_to(ROOT)
    print(f"Built the fonts in {where}." if built else f"The fonts in {where} are up to date.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
