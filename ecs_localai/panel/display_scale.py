"""How large the desktop wants things to be, where the window system doesn't say by itself: X11."""

from __future__ import annotations

import ctypes
import os

_MIN, _MAX = 1.0, 4.0


def x11_scale() -> float:
    """Pixels for one logical pixel on X11: from ``GDK_SCALE``, else from the resource ``Xft.dpi``; 1.0 without.

    Desktops set ``Xft.dpi`` to 96 times the scale that the person chose. Rounded to quarters.
    """
    named = os.environ.get("GDK_SCALE", "")
    if named.isdecimal() and int(named) > 0:
        return _sensible(float(named))
    dpi = _xft_dpi()
    return _sensible(dpi / 96) if dpi is not None else 1.0


def _sensible(scale: float) -> float:
    return min(max(round(scale * 4) / 4, _MIN), _MAX)


def _xft_dpi() -> float | None:
    """The resource as the X server holds it, asked on a connection of our own; None where there is none."""
    try:
        x11 = ctypes.CDLL("libX11.so.6")
        x11.XOpenDisplay.argtypes = (ctypes.c_char_p,)
        x11.XOpenDisplay.restype = ctypes.c_void_p
        x11.XResourceManagerString.argtypes = (ctypes.c_void_p,)
        x11.XResourceManagerString.restype = ctypes.c_char_p
        x11.XCloseDisplay.argtypes = (ctypes.c_void_p,)
    except (OSError, AttributeError):
        return None
    display = x11.XOpenDisplay(None)
    if not display:
        return None
    try:
        resources: bytes = x11.XResourceManagerString(display) or b""
        return _dpi_in(resources.decode("utf-8", "replace"))
    finally:
        x11.XCloseDisplay(display)


def _dpi_in(resources: str) -> float | None:
    """The number after ``Xft.dpi:`` in a list of X resources."""
    for line in resources.splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip() == "Xft.dpi":
            try:
                dpi = float(value)
            except ValueError:
                return None
            return dpi if dpi > 0 else None
    return None
