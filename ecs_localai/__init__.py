"""ecs-localai: a Bevy-style ECS runtime on esper, and the Local AI models panel built on it.

Everything public imports from here. What costs time to import (aiohttp, pygame, psutil, pynvml) is imported
where it is first needed.
"""

from ecs_localai._version import __version__
from ecs_localai.components import *  # noqa: F403 - each package lists its public names in __all__
from ecs_localai.components import __all__ as _components
from ecs_localai.panel.plugin import PanelPlugin
from ecs_localai.runtime import *  # noqa: F403 - as above
from ecs_localai.runtime import __all__ as _runtime
from ecs_localai.systems import *  # noqa: F403 - as above
from ecs_localai.systems import __all__ as _systems

__all__ = ["PanelPlugin", "__version__", *_components, *_runtime, *_systems]
