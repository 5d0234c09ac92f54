"""A real X server without a screen (Xvfb), for windows that nobody sees."""

from __future__ import annotations

import os
import struct
import subprocess
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from tests.rig import orphan_guard
from tests.rig.parts import find_program
from tests.rig.server_process import ServerProcess


class Xvfb:
    """An X server on a display of its own, running as soon as it is made; ``stop`` it, or use ``with``.

    ``dpi`` is what the server tells programs. Raises PartMissing when Xvfb is not installed.
    """

    def __init__(self, width: int = 1600, height: int = 1200, dpi: int = 96) -> None:
        program = find_program("Xvfb", remedy="run `make test`, or: apt-get install xvfb")
        self.size = (width, height)
        self._folder = orphan_guard.temporary_folder("xvfb")
        self._process = ServerProcess("Xvfb", self._folder / "xvfb.log")
        self._number = ""
        screen = f"{width}x{height}x24"
        reading, writing = os.pipe()
        command = [str(program), "-displayfd", str(writing), "-screen", "0", screen, "-dpi", str(dpi)]
        command += ["-nolisten", "tcp", "-noreset", "-fbdir", str(self._folder)]
        os.set_blocking(reading, False)
        try:
            # Xvfb writes the number of the free display that it took when it is ready for clients.
            self._process.start(command, os.environ, lambda: self._read_number(reading), keep=(writing,))
        except BaseException:
            self.stop()
            raise
        finally:
            os.close(writing)
            os.close(reading)

    def _read_number(self, reading: int) -> bool:
        try:
            self._number += os.read(reading, 64).decode()
        except BlockingIOError:
            return False
        return self._number.endswith("\n")

    @property
    def display(self) -> str:
        """The value for ``DISPLAY``, like ``:99``."""
        return f":{self._number.strip()}"

    @property
    def environment(self) -> dict[str, str]:
        """What a program's environment needs to open its windows here, with SDL, too."""
        return {"DISPLAY": self.display, "SDL_VIDEODRIVER": "x11"}

    def set_xft_dpi(self, dpi: int) -> None:
        """Sets the resource ``Xft.dpi``, by which desktops tell programs how large text is to be.

        Raises PartMissing where xprop is not installed, subprocess.CalledProcessError when it fails.
        """
        xprop = find_program("xprop", remedy="run `make test`, or: apt-get install x11-utils")
        resource = ["-root", "-f", "RESOURCE_MANAGER", "8s", "-set", "RESOURCE_MANAGER", f"Xft.dpi:\t{dpi}\n"]
        subprocess.run([str(xprop), *resource], env=os.environ | self.environment, check=True)

    def screenshot(self) -> NDArray[np.uint8]:
        """What the screen shows now: an array of height x width x 3 (red, green, blue).

        Read from the frame buffer that Xvfb maps to a file in XWD format (XWDFile.h: a header of 32-bit big-endian
        numbers, the colour map, then the pixels, here 4 bytes each: blue, green, red, unused).
        """
        data = (self._folder / "Xvfb_screen0").read_bytes()
        header = struct.unpack(">25I", data[:100])
        header_size, width, height, bytes_per_line, colours = header[0], header[4], header[5], header[12], header[19]
        start = header_size + colours * 12
        pixels = np.frombuffer(data, np.uint8, count=bytes_per_line * height, offset=start)
        rows = pixels.reshape(height, bytes_per_line)[:, : width * 4].reshape(height, width, 4)
        return np.ascontiguousarray(rows[:, :, 2::-1])

    def stop(self) -> None:
        """Ends the X server; its clients lose their windows. A second call does nothing."""
        self._process.end_group()
        orphan_guard.remove_folder(self._folder)

    def __enter__(self) -> Xvfb:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
