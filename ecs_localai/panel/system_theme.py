"""Whether the system is set to dark colours. Asked once, when a panel is made."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

if sys.platform == "win32":
    import winreg

    def system_prefers_dark() -> bool:
        """True where Windows is set to dark colours for applications."""
        path = r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"
        try:
            with winreg.OpenKey(winreg.HKEY_CURRENT_USER, path) as key:
                value, _ = winreg.QueryValueEx(key, "AppsUseLightTheme")
        except OSError:
            return False
        return bool(value == 0)

elif sys.platform == "darwin":
    import plistlib

    def system_prefers_dark() -> bool:
        """True where macOS is set to its dark appearance."""
        path = Path.home() / "Library" / "Preferences" / ".GlobalPreferences.plist"
        try:
            return bool(plistlib.loads(path.read_bytes()).get("AppleInterfaceStyle") == "Dark")
        except (OSError, ValueError, plistlib.InvalidFileException):
            return False

else:

    def system_prefers_dark() -> bool:
        """True where the desktop is set to dark colours; False where it is not, or nothing says so."""
        return _desktop_prefers_dark()


def _desktop_prefers_dark() -> bool:
    """Linux and the BSDs: the GTK variable, GNOME's setting, then the files of GTK and KDE."""
    named = os.environ.get("GTK_THEME", "").lower()
    if named:
        return named.endswith((":dark", "-dark"))
    asked = _gnome_color_scheme()
    if asked is not None:
        return asked
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    for name in ("gtk-4.0/settings.ini", "gtk-3.0/settings.ini"):
        if _ini_value(config / name, "Settings", "gtk-application-prefer-dark-theme").lower() in ("1", "true"):
            return True
    return "dark" in _ini_value(config / "kdeglobals", "General", "ColorScheme").lower()


def _gnome_color_scheme() -> bool | None:
    """What `gsettings` says: dark or not; None where it is missing, silent or has no opinion."""
    program = shutil.which("gsettings")
    if program is None:
        return None
    command = [program, "get", "org.gnome.desktop.interface", "color-scheme"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=1.0, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    answer = done.stdout.strip().strip("'")
    if done.returncode != 0 or answer in ("", "default"):
        return None
    return answer == "prefer-dark"


def _ini_value(path: Path, section: str, key: str) -> str:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, configparser.Error):
        return ""
    return parser.get(section, key, fallback="")
