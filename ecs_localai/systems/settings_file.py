"""What a person has set, as a file that people can read, keep and carry to another computer: JSON with a version.

Secrets are not in it, only where they are kept; nor is what happened: installations, measurements, counts. Nor the
seed of the roll-out, which would tell one computer from all others.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from ecs_localai.components.browser import ContextExtractionConfig, ExtensionPrivacySettings
from ecs_localai.components.codec import DecodeError, decode, encode, to_builtins
from ecs_localai.components.downloads import DownloadSettings
from ecs_localai.components.features import ExperimentalPreferences, FeatureFlag, RolloutConfiguration
from ecs_localai.components.hosts import HostOrigin
from ecs_localai.components.panel import PanelSettings
from ecs_localai.components.time_values import Timestamp
from ecs_localai.systems.saved_hosts import SavedHost, tidy_name

FORMAT = "ecs-localai settings"
"""What the file says it is."""
VERSION = 1
"""Of the format. A later version that only adds keys keeps the number: what is unknown is passed over."""

T = TypeVar("T")

HOSTS, FEATURES = "hosts", "features"
SECTIONS: Mapping[str, type] = {
    "panel": PanelSettings,
    "privacy": ExtensionPrivacySettings,
    "context_extraction": ContextExtractionConfig,
    "experimental_preferences": ExperimentalPreferences,
    "rollout": RolloutConfiguration,
    "downloads": DownloadSettings,
}
"""The sections that hold one value each. They are called as the settings of the store are."""
_HEAD = ("format", "version", "exported_at")
_LEFT_OUT = {"experimental_preferences": "overrides", "rollout": "seed"}
"""What a switch is set to is said by the features; the seed is for this computer alone."""
_PLACE = re.compile(r" - at `(?:key in )?\$?(.*?)`$")
_BYTE = re.compile(r" \(byte (\d+)\)$")


class SettingsFileError(ValueError):
    """The text is no settings file, or says something that cannot be. `problems` are sentences."""

    def __init__(self, *problems: str) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


class SettingsFile(msgspec.Struct, frozen=True, kw_only=True):
    """What a settings file says. A section that is None is not in it."""

    exported_at: Timestamp | None = None
    hosts: list[SavedHost] | None = None
    """In their order, without secrets, at most one of them the default."""
    features: dict[str, bool] | None = None
    """Those that were switched by hand, by id."""
    panel: PanelSettings | None = None
    privacy: ExtensionPrivacySettings | None = None
    context_extraction: ContextExtractionConfig | None = None
    experimental_preferences: ExperimentalPreferences | None = None
    """Without its overrides, which are the features."""
    rollout: RolloutConfiguration | None = None
    """Without its seed."""
    downloads: DownloadSettings | None = None
    warnings: tuple[str, ...] = ()
    """Sentences about what was read and passed over."""

    def section(self, name: str) -> object:
        """The value of one of `SECTIONS`."""
        value: object = getattr(self, name)
        return value


def without_left_out(name: str, value: T) -> T:
    """A section's value as a file has it."""
    if isinstance(value, ExperimentalPreferences):
        return type(value)(hidden_phases=list(value.hidden_phases))
    if isinstance(value, RolloutConfiguration):
        return type(value)(respect_percentages=value.respect_percentages)
    return value


def write_settings_file(settings: SettingsFile) -> str:
    """The file's text, for people to read; `read_settings_file` gives the same again.

    Raises:
        EncodeError: something in it has no place in JSON.
    """
    return msgspec.json.format(encode(settings_object(settings)), indent=2).decode() + "\n"


def settings_object(settings: SettingsFile) -> dict[str, object]:
    """The object that the file is, as plain data.

    Raises:
        EncodeError: something in it has no place in JSON.
    """
    made: dict[str, object] = {"format": FORMAT, "version": VERSION}
    if settings.exported_at is not None:
        made["exported_at"] = to_builtins(settings.exported_at)
    if settings.hosts is not None:
        made[HOSTS] = to_builtins(settings.hosts)
    if settings.features is not None:
        made[FEATURES] = settings.features
    for name in SECTIONS:
        value = settings.section(name)
        if value is None:
            continue
        plain = to_builtins(value)
        if isinstance(plain, dict):
            plain.pop(_LEFT_OUT.get(name, ""), None)
        made[name] = plain
    return made


def read_settings_file(text: str | bytes) -> SettingsFile:
    """What the text of a settings file says, all of it checked.

    Raises:
        SettingsFileError: it is no such file, is of a newer version, or holds something that cannot be; says where.
    """
    raw = _object(text)
    _check_head(raw)
    reading = _Reading(raw)
    made = SettingsFile(exported_at=reading.moment(), hosts=reading.hosts(), features=reading.features())
    values = {name: reading.value(name, kind) for name, kind in SECTIONS.items()}
    if reading.problems:
        raise SettingsFileError(*reading.problems)
    known = {*_HEAD, HOSTS, FEATURES, *SECTIONS}
    unknown = tuple(_unknown(name) for name in raw if name not in known)
    values = {name: without_left_out(name, value) for name, value in values.items()}
    return msgspec.structs.replace(made, **values, warnings=(*unknown, *reading.warnings))


class _Reading:
    """Reads section by section and gathers what is wrong in all of them."""

    def __init__(self, raw: Mapping[str, object]) -> None:
        self._raw = raw
        self.problems: list[str] = []
        self.warnings: list[str] = []

    def value(self, name: str, kind: type[T]) -> T | None:
        """A section that is one value."""
        raw = self._raw.get(name)
        if raw is None:
            return None
        left_out = _LEFT_OUT.get(name)
        if isinstance(raw, dict) and left_out in raw:
            self.warnings.append(_unknown(f"{name}.{left_out}"))
            raw = {key: value for key, value in raw.items() if key != left_out}
        return self._decoded(name, raw, kind)

    def moment(self) -> Timestamp | None:
        """When the file was written."""
        head = self._decoded("", {"exported_at": self._raw.get("exported_at")}, _Head)
        return None if head is None else head.exported_at

    def features(self) -> dict[str, bool] | None:
        """The features' switches."""
        raw = self._raw.get(FEATURES)
        if raw is None:
            return None
        if not isinstance(raw, dict):
            self.problems.append(f"{FEATURES}: an object belongs here.")
            return None
        for feature_id, on in raw.items():
            try:
                FeatureFlag(feature_id, feature_id, "")
            except ValueError as error:
                self.problems.append(f"{FEATURES}: {error}")
            if not isinstance(on, bool):
                self.problems.append(f"{FEATURES}.{feature_id}: true or false belongs here.")
        return {feature_id: on is True for feature_id, on in raw.items()}

    def hosts(self) -> list[SavedHost] | None:
        """The list of hosts."""
        raw = self._raw.get(HOSTS)
        if raw is None:
            return None
        if not isinstance(raw, list):
            self.problems.append(f"{HOSTS}: a list belongs here.")
            return None
        found = [self._decoded(f"{HOSTS}[{number}]", one, SavedHost) for number, one in enumerate(raw)]
        hosts = [_kept(host) for host in found if host is not None]
        for number, host in enumerate(hosts):
            if not host.name or not host.name.isprintable():
                self.problems.append(f"{HOSTS}[{number}].name: a host's name is one line of text.")
        for name, count in Counter(host.name.casefold() for host in hosts).items():
            if count > 1:
                self.problems.append(f"{HOSTS}: {count} of them are called {name!r}. Give each a name of its own.")
        if sum(host.is_default for host in hosts) > 1:
            self.problems.append(f"{HOSTS}: only one of them can have is_default.")
        return hosts

    def _decoded(self, where: str, raw: object, kind: type[T]) -> T | None:
        try:
            value = decode(msgspec.json.encode(raw), kind)
            plain = to_builtins(value)
        except (ValueError, OverflowError, RecursionError) as error:
            self.problems.append(_problem(where, error))
            return None
        self.warnings.extend(map(_unknown, _not_in(where, raw, plain)))
        return value


class _Head(msgspec.Struct):
    exported_at: Timestamp | None = None


def _kept(host: SavedHost) -> SavedHost:
    """As the list has it. A host that is in a file is there to stay, however it came to be."""
    origin = host.origin if host.origin in (HostOrigin.ADDED, HostOrigin.FOUND) else HostOrigin.ADDED
    return msgspec.structs.replace(host, name=tidy_name(host.name), origin=origin)


def _object(text: str | bytes) -> dict[str, object]:
    try:
        data = text.encode() if isinstance(text, str) else text
        data = data.removeprefix(b"\xef\xbb\xbf")  # Windows' editor puts a mark in front
        raw: object = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise SettingsFileError(f"This is no JSON: {_in_lines(str(error), data)}.") from error
    except UnicodeError as error:
        raise SettingsFileError("This is no text in UTF-8.") from error
    except RecursionError as error:
        raise SettingsFileError("This is no settings file: its parts lie too deep in each other.") from error
    if not isinstance(raw, dict):
        raise SettingsFileError(f"This is no settings file: an object belongs here, with the format {FORMAT!r}.")
    return raw


def _in_lines(message: str, data: bytes) -> str:
    """msgspec's message, with the line instead of the byte."""
    found = _BYTE.search(message)
    if found is None:
        return message
    before = data[: int(found[1])]
    line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
    return f"{message[: found.start()]}, in line {line}, column {column}".replace("JSON is malformed: ", "")


def _check_head(raw: Mapping[str, object]) -> None:
    what = raw.get("format")
    if what == "ecs-localai world":
        raise SettingsFileError("This is a saved world, not settings. App.load reads it.")
    if what != FORMAT:
        raise SettingsFileError(f"This is no settings file: its format should be {FORMAT!r}.")
    version = raw.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise SettingsFileError(
            f"version: the number of the format's version belongs here; this program knows {VERSION}."
        )
    if version > VERSION:
        raise SettingsFileError(
            f"This file is of version {version}, which a newer ecs-localai has written; this one reads version "
            f"{VERSION}. Install the newer one."
        )


def _problem(where: str, error: Exception) -> str:
    cause = error.__cause__ if isinstance(error, DecodeError) and error.__cause__ is not None else error
    reason = str(cause) or type(cause).__name__
    place = _PLACE.search(reason)
    if place is not None:
        reason, where = reason[: place.start()], f"{where}{place[1]}"
    return f"{where.removeprefix('.')}: {reason.rstrip('.')}."


def _unknown(name: str) -> str:
    return f"{name}: this version does not know it, so it is left out."


def _not_in(where: str, raw: object, known: object) -> list[str]:
    """The places of keys that were read and make no part of the value."""
    if isinstance(raw, dict) and isinstance(known, dict):
        return [
            place
            for key, value in raw.items()
            for path in [f"{where}.{key}".removeprefix(".")]
            for place in (_not_in(path, value, known[key]) if key in known else [path])
        ]
    if isinstance(raw, list) and isinstance(known, list) and len(raw) == len(known):
        pairs = enumerate(zip(raw, known, strict=True))
        return [place for number, (one, other) in pairs for place in _not_in(f"{where}[{number}]", one, other)]
    return []
