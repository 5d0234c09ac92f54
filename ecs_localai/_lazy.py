"""Names that a package imports when they are asked for, so that a program waits for no more than it uses."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module


def lazy_names(
    package: str, homes: Mapping[str, tuple[str, ...]]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """A package's ``__getattr__`` and ``__dir__``. `homes` has the names by the module that each comes from.

    Assign them only where no type checker looks: for one, a module with ``__getattr__`` has every name.
    """
    home_of = {name: home for home, names in homes.items() for name in names}
    namespace = vars(sys.modules[package])

    def __getattr__(name: str) -> object:
        home = home_of.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(f"{package}.{home}"), name)
        namespace[name] = value
        return value

    return __getattr__, lambda: sorted({*namespace, *home_of})
