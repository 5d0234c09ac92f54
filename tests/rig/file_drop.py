"""Drops files on another program's window, as a desktop's file manager does: the source's side of XDND.

``python -m tests.rig.file_drop WINDOW FILE…`` with ``DISPLAY`` set; it ends with 0 once the window has taken them.
A program of its own, because Xlib ends the process where the other window has gone.

The protocol: XDND version 5 (freedesktop.org). xdotool cannot do this.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
import time
from pathlib import Path

_PATIENCE = 20.0
_VERSION = 5
_CLIENT_MESSAGE, _SELECTION_NOTIFY, _SELECTION_REQUEST = 33, 31, 30  # X.h
_REPLACE = 0  # PropModeReplace
_MIME = "text/uri-list"


class ClientMessage(ctypes.Structure):
    """`XClientMessageEvent` with five longs."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("data", ctypes.c_long * 5),
    )


class SelectionRequest(ctypes.Structure):
    """`XSelectionRequestEvent`."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("owner", ctypes.c_ulong),
        ("requestor", ctypes.c_ulong),
        ("selection", ctypes.c_ulong),
        ("target", ctypes.c_ulong),
        ("property", ctypes.c_ulong),
        ("time", ctypes.c_ulong),
    )


class SelectionNotify(ctypes.Structure):
    """`XSelectionEvent`."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("requestor", ctypes.c_ulong),
        ("selection", ctypes.c_ulong),
        ("target", ctypes.c_ulong),
        ("property", ctypes.c_ulong),
        ("time", ctypes.c_ulong),
    )


class Event(ctypes.Union):
    """`XEvent`."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("client", ClientMessage),
        ("request", SelectionRequest),
        ("notify", SelectionNotify),
        ("pad", ctypes.c_long * 24),
    )


def xlib() -> ctypes.CDLL:
    """Xlib with the types of what is called here."""
    x = ctypes.CDLL(ctypes.util.find_library("X11") or "libX11.so.6")
    display, window, integer = ctypes.c_void_p, ctypes.c_ulong, ctypes.c_int
    x.XOpenDisplay.restype = display
    x.XDefaultRootWindow.argtypes, x.XDefaultRootWindow.restype = (display,), window
    x.XInternAtom.argtypes, x.XInternAtom.restype = (display, ctypes.c_char_p, integer), window
    x.XCreateSimpleWindow.argtypes = (display, window, *(integer,) * 5, window, window)
    x.XCreateSimpleWindow.restype = window
    x.XSetSelectionOwner.argtypes = (display, window, window, ctypes.c_ulong)
    x.XSendEvent.argtypes = (display, window, integer, ctypes.c_long, ctypes.POINTER(Event))
    x.XChangeProperty.argtypes = (display, window, window, window, integer, integer, ctypes.c_char_p, integer)
    x.XPending.argtypes, x.XFlush.argtypes, x.XCloseDisplay.argtypes = (display,), (display,), (display,)
    x.XNextEvent.argtypes = (display, ctypes.POINTER(Event))
    return x


class Drag:
    """One drag of files onto a window."""

    def __init__(self, target: int, *files: Path) -> None:
        self._x = xlib()
        self._display = self._x.XOpenDisplay(None)
        if not self._display:
            raise SystemExit("There is no display.")
        root = self._x.XDefaultRootWindow(self._display)
        self._source = self._x.XCreateSimpleWindow(self._display, root, 0, 0, 1, 1, 0, 0, 0)
        self._target = target
        self._data = "".join(f"{file.absolute().as_uri()}\r\n" for file in files).encode()
        self._x.XSetSelectionOwner(self._display, self._atom("XdndSelection"), self._source, 0)

    def _atom(self, name: str) -> int:
        return int(self._x.XInternAtom(self._display, name.encode(), 0))

    def _send(self, to: int, event: Event) -> None:
        self._x.XSendEvent(self._display, to, 0, 0, ctypes.byref(event))
        self._x.XFlush(self._display)

    def _tell(self, name: str, *data: int) -> None:
        """A message to the target."""
        event = Event()
        event.client.type, event.client.window = _CLIENT_MESSAGE, self._target
        event.client.message_type, event.client.format = self._atom(name), 32
        for number, value in enumerate((self._source, *data)):
            event.client.data[number] = value
        self._send(self._target, event)

    def _until(self, name: str) -> Event:
        """Answer what is asked for until the target sends this message."""
        deadline, event, wanted = time.monotonic() + _PATIENCE, Event(), self._atom(name)
        while time.monotonic() < deadline:
            if not self._x.XPending(self._display):
                time.sleep(0.01)
                continue
            self._x.XNextEvent(self._display, ctypes.byref(event))
            if event.type == _SELECTION_REQUEST:
                self._hand_over(event.request)
            elif event.type == _CLIENT_MESSAGE and event.client.message_type == wanted:
                return event
        raise SystemExit(f"The window did not answer with {name}.")

    def _hand_over(self, asked: SelectionRequest) -> None:
        size = len(self._data)
        self._x.XChangeProperty(
            self._display, asked.requestor, asked.property, asked.target, 8, _REPLACE, self._data, size
        )  # fmt: skip
        event = Event()
        answer = event.notify
        answer.type, answer.requestor, answer.selection = _SELECTION_NOTIFY, asked.requestor, asked.selection
        answer.target, answer.property, answer.time = asked.target, asked.property, asked.time
        self._send(asked.requestor, event)

    def drop(self) -> None:
        """Drag them there and let go. Ends the program where the window does not take it."""
        self._tell("XdndEnter", _VERSION << 24, self._atom(_MIME), 0, 0)
        self._tell("XdndPosition", 0, 100 << 16 | 100, 0, self._atom("XdndActionCopy"))
        if not self._until("XdndStatus").client.data[1] & 1:
            raise SystemExit("The window takes no files.")
        self._tell("XdndDrop", 0, 0, 0, 0)
        self._until("XdndFinished")
        self._x.XCloseDisplay(self._display)


if __name__ == "__main__":
    Drag(int(sys.argv[1]), *map(Path, sys.argv[2:])).drop()
