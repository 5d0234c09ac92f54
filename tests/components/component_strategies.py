"""Hypothesis strategies for every data type, derived from its fields' annotations.

Only what a type checks is written by hand here; a new type or field needs nothing unless it has a rule.
"""

from __future__ import annotations

import dataclasses
import enum
import importlib
import pkgutil
import types
import typing
from collections import deque
from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import strategies as st

import ecs_localai.components as package
from ecs_localai.components.authentication import OllamaAuth
from ecs_localai.components.browser import (
    BrowserConnection,
    BrowserKind,
    BrowserType,
    ContextExtractionConfig,
    ContextRetentionPolicy,
    ExtensionPrivacySettings,
    ExtensionProtocol,
    PairedBrowser,
)
from ecs_localai.components.downloads import DownloadSettings
from ecs_localai.components.drawing import Color, Vec2
from ecs_localai.components.events import UIUpdateEvent, UIUpdateKind
from ecs_localai.components.features import FeatureFlag
from ecs_localai.components.hosts import ConnectionPool, OllamaConfiguration, RetryPolicy
from ecs_localai.components.installation import (
    DownloadConfig,
    InstallationError,
    InstallationErrorKind,
    InstallationPhase,
    InstallationProgress,
    InstallationRecord,
    InstallationStatus,
    ModelInstallationTask,
)
from ecs_localai.components.panel import PanelSettings, WindowPlace
from ecs_localai.components.panel_intents import HostSecret
from ecs_localai.components.recipe import ModelRecipe, RecipeMessage
from ecs_localai.components.requirements import RequiresModel
from ecs_localai.components.secret_source import SecretSource
from ecs_localai.components.tls import TlsSettings
from ecs_localai.components.toggles import ToggleStyle

BY_HAND = (HostSecret, OllamaAuth, InstallationError, ModelInstallationTask)
"""Types that say themselves what is written down of them."""

NOT_SAVED = {"panel_view", "codec"}
"""Modules without saved data: what the panel shows is made anew from the rest, and the codec itself."""

TEXT = st.text(max_size=12)
MOMENTS = st.datetimes(timezones=st.just(UTC)) | st.sampled_from(
    [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), datetime(2319, 3, 5, tzinfo=UTC)]
)
ZERO, TICK = timedelta(0), timedelta(microseconds=1)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
NOT_NEGATIVE = st.integers(0, 2**64 - 1)
FEATURE_IDS = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)
HOSTS = st.sampled_from(["127.0.0.1", "localhost", "::1", "[::1]", "fe80::1%eth0", "gpu-1.local", "münchen.example"])
TOKENS = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,15}", fullmatch=True)
SECRETS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), min_size=1, max_size=20)


def complete_auths() -> st.SearchStrategy[OllamaAuth]:
    """Credentials with their secrets."""
    return st.one_of(
        SECRETS.map(OllamaAuth.bearer),
        st.builds(OllamaAuth.basic, TOKENS, SECRETS),
        st.dictionaries(TOKENS, SECRETS, min_size=1, max_size=3).map(OllamaAuth.headers),
    )


def statuses() -> st.SearchStrategy[InstallationStatus]:
    """Every status; a failed one with some reason."""
    plain = [phase for phase in InstallationPhase if phase is not InstallationPhase.FAILED]
    return st.sampled_from(plain).map(InstallationStatus) | st.text(min_size=1).map(InstallationStatus.failed)


def browsers() -> st.SearchStrategy[BrowserType]:
    """Every browser, and others with a name."""
    known = [kind for kind in BrowserKind if kind is not BrowserKind.OTHER]
    named = st.text(min_size=1).filter(lambda name: bool(name.strip())).map(BrowserType.other)
    return st.sampled_from(known).map(BrowserType) | named


def ui_updates() -> st.SearchStrategy[UIUpdateEvent]:
    """Each kind with the fields that it needs."""
    others = [k for k in UIUpdateKind if k not in (UIUpdateKind.NOTICE, UIUpdateKind.EXPERIMENTAL_FEATURE_CHANGED)]
    return st.one_of(
        st.builds(UIUpdateEvent, st.sampled_from(others), text=st.none() | TEXT),
        st.builds(UIUpdateEvent, st.just(UIUpdateKind.NOTICE), text=st.text(min_size=1)),
        st.builds(
            UIUpdateEvent,
            st.just(UIUpdateKind.EXPERIMENTAL_FEATURE_CHANGED),
            feature_id=FEATURE_IDS,
            enabled=st.booleans(),
        ),
    )


def retention_policies() -> st.SearchStrategy[ContextRetentionPolicy]:
    """Each kind, with the smallest and the largest numbers too."""
    return st.one_of(
        st.sampled_from([ContextRetentionPolicy.SESSION_ONLY, ContextRetentionPolicy.MANUAL]),
        st.integers(1, 876_000).map(ContextRetentionPolicy.hours),
        st.integers(1, 36_500).map(ContextRetentionPolicy.days),
    )


def window_places() -> st.SearchStrategy[WindowPlace]:
    """Windows of every size, with a position and without."""
    side, place = st.integers(1, 100_000), st.integers(-1_000_000, 1_000_000)
    return st.one_of(
        st.builds(WindowPlace, side, side, maximized=st.booleans()),
        st.builds(WindowPlace, side, side, place, place, st.booleans()),
    )


def recipes() -> st.SearchStrategy[ModelRecipe]:
    """Recipes that name what the model is made of."""
    texts = st.lists(TEXT, max_size=2)
    value = TEXT | st.integers(-(2**63), 2**63 - 1) | FINITE | st.booleans() | texts
    said = {
        "adapters": texts,
        "system": TEXT,
        "parameters": st.dictionaries(TEXT, value, max_size=3),
        "messages": st.lists(st.builds(RecipeMessage, TEXT, TEXT), max_size=2),
        "requires": TEXT,
        "replace": st.booleans(),
    }
    return st.one_of(
        st.builds(ModelRecipe, source=TOKENS, **said),
        st.builds(ModelRecipe, files=st.lists(TEXT, min_size=1, max_size=3), licenses=texts, **said),
    )


WHOLE: dict[type, st.SearchStrategy[object]] = {
    ModelRecipe: recipes(),
    HostSecret: TEXT.map(HostSecret),
    OllamaAuth: complete_auths().map(OllamaAuth.without_secrets),
    InstallationError: st.builds(InstallationError, TEXT, st.sampled_from(InstallationErrorKind)),
    ModelInstallationTask: st.builds(
        ModelInstallationTask,
        TEXT,
        st.none(),
        st.builds(InstallationProgress, NOT_NEGATIVE, NOT_NEGATIVE, FINITE, st.none() | st.timedeltas()),
    ),
    InstallationStatus: statuses(),
    BrowserType: browsers(),
    ContextRetentionPolicy: retention_policies(),
    UIUpdateEvent: ui_updates(),
    WindowPlace: window_places(),
    ExtensionProtocol: st.builds(
        ExtensionProtocol,
        subprotocol=TEXT,
        min_version=st.integers(1, 3),
        max_version=st.integers(3, 9),
        max_message_bytes=st.integers(4096, 2**40),
        auth_timeout=st.timedeltas(TICK),
        heartbeat=st.timedeltas(TICK, timedelta(days=1)),
        silence_timeout=st.timedeltas(timedelta(days=2)),
    ),
}

FIELDS: dict[type, dict[str, st.SearchStrategy[object]]] = {
    OllamaConfiguration: {
        "host": HOSTS,
        "port": st.integers(1, 65535),
        "connection_timeout": st.timedeltas(TICK),
        "base_path": st.sampled_from(["", "/ollama", "/a/b", "/ü"]),
    },
    PanelSettings: {"scale": st.none() | st.floats(0.5, 6.0)},
    SecretSource: {"name": TOKENS},
    TlsSettings: {"client_certificate": TOKENS},
    RetryPolicy: {
        "max_attempts": st.integers(1, 2**31),
        "initial_delay": st.timedeltas(ZERO, timedelta(days=1)),
        "max_delay": st.timedeltas(timedelta(days=1)),
        "multiplier": st.floats(1.0, 1e300),
        "jitter": st.floats(0.0, 1.0),
    },
    RequiresModel: {"max_gb": st.none() | st.floats(0.001, 1e6)},
    DownloadSettings: {"at_once": st.integers(1, 16)},
    ConnectionPool: {"max_connections": st.integers(1, 2**31), "keep_alive": st.timedeltas(ZERO)},
    DownloadConfig: {"max_retries": NOT_NEGATIVE, "stall_timeout": st.timedeltas(TICK)},
    InstallationRecord: {"status": statuses().filter(lambda status: status.is_finished)},
    BrowserConnection: {"browser_id": st.text(min_size=1), "tab_count": NOT_NEGATIVE},
    PairedBrowser: {"browser_id": st.text(min_size=1)},
    ContextExtractionConfig: {"timeout": st.timedeltas(TICK), "cache_lifetime": st.timedeltas(ZERO)},
    ExtensionPrivacySettings: {
        "max_context_size": NOT_NEGATIVE,
        "domain_whitelist": st.lists(st.sampled_from(["example.org", "bücher.example", "=a.b"]), max_size=3),
    },
    FeatureFlag: {
        "feature_id": FEATURE_IDS.map(lambda text: "f_" + text),
        "prerequisites": st.lists(FEATURE_IDS.map(lambda text: "p_" + text), max_size=3),
        "rollout_percentage": st.floats(0.0, 100.0),
    },
    Color: {part: st.integers(0, 255) for part in "rgba"},
    ToggleStyle: {
        "toggle_size": st.builds(Vec2, st.floats(0.5, 1e6), st.floats(0.5, 1e6)),
        "animation_duration": st.timedeltas(ZERO),
    },
}


def modules() -> list[types.ModuleType]:
    """Every module with saved data."""
    names = [info.name for info in pkgutil.iter_modules(package.__path__) if info.name not in NOT_SAVED]
    return [importlib.import_module(f"{package.__name__}.{name}") for name in names]


def everything_public() -> dict[str, type]:
    """Every public class of those modules by its name."""
    return {
        name: value
        for module in modules()
        for name, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == module.__name__ and not name.startswith("_")
    }


def is_data_type(type_: type) -> bool:
    """Whether it is a Struct, a dataclass or one that says itself what is written down of it."""
    return issubclass(type_, (msgspec.Struct, *BY_HAND)) or dataclasses.is_dataclass(type_)


def data_types() -> list[type]:
    """Every data type, in a fixed order."""
    found = [type_ for type_ in everything_public().values() if is_data_type(type_)]
    return sorted(found, key=lambda type_: type_.__name__)


def field_names(type_: type) -> set[str]:
    """The names of a data type's fields; those of an enum are its values."""
    if issubclass(type_, enum.Enum):
        return {str(member.value) for member in type_}
    if issubclass(type_, msgspec.Struct):
        return {field.name for field in msgspec.structs.fields(type_)}
    if dataclasses.is_dataclass(type_):
        return {field.name for field in dataclasses.fields(type_)}
    return {name for name in dir(type_) if not name.startswith("_")}


_made: dict[type, st.SearchStrategy[object]] = {}


def instances(type_: type) -> st.SearchStrategy[object]:
    """Values of a data type with every field filled in."""
    if type_ not in _made:
        if type_ in WHOLE:
            _made[type_] = WHOLE[type_]
        else:
            hints = typing.get_type_hints(type_, include_extras=False)
            given = FIELDS.get(type_, {})
            parts = {n: given[n] if n in given else _of(hints[n]) for n in sorted(field_names(type_))}
            _made[type_] = st.builds(type_, **parts)
    return _made[type_]


def _of(hint: object) -> st.SearchStrategy[object]:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return st.one_of([st.none() if arg is type(None) else _of(arg) for arg in args])
    if origin is dict:
        return st.dictionaries(_of(args[0]), _of(args[1]), max_size=2)
    if origin is list:
        return st.lists(_of(args[0]), max_size=2)
    if origin is tuple and args[1:] == (...,):
        return st.lists(_of(args[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(_of, args))
    if origin is deque:
        return st.lists(_of(args[0]), max_size=2).map(deque)
    simple: dict[object, st.SearchStrategy[object]] = {
        str: TEXT,
        bool: st.booleans(),
        int: NOT_NEGATIVE,
        float: FINITE,
        datetime: MOMENTS,
        timedelta: st.timedeltas(),
    }
    if hint in simple:
        return simple[hint]
    if isinstance(hint, type):
        return st.sampled_from(list(hint)) if issubclass(hint, enum.Enum) else instances(hint)
    raise TypeError(f"There is no strategy for {hint!r} yet.")
