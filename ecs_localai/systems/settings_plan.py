"""What taking over a settings file would change, worked out before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

import msgspec

from ecs_localai.components.browser import ContextRetentionPolicy, ExtensionPrivacySettings, RetentionKind
from ecs_localai.components.codec import to_builtins
from ecs_localai.components.features import FeatureFlag, default_feature_flags
from ecs_localai.components.secret_source import SecretPlace, SecretSource
from ecs_localai.systems.saved_hosts import SavedHost
from ecs_localai.systems.settings_file import FEATURES, HOSTS, SECTIONS, SettingsFile
from ecs_localai.systems.settings_hosts import MergedHost, MergedHosts, merge_hosts
from ecs_localai.systems.settings_words import TITLES, facts

_PLACES = {
    SecretPlace.ENVIRONMENT: "the environment variable {name}",
    SecretPlace.FILE: "the file {name}",
    SecretPlace.KEYRING: "the keyring's entry {name!r}",
}


class SettingsChange(msgspec.Struct, frozen=True):
    """One thing that becomes another."""

    section: str
    """As the file calls it."""
    name: str
    """The host, the feature's id or the setting."""
    text: str
    """What changes, in words."""


class SettingsPlan(msgspec.Struct, frozen=True):
    """What is to be done to take over a settings file."""

    hosts: list[MergedHost] | None
    """The new list; None where it stays as it is."""
    removed_hosts: list[SavedHost]
    features: dict[str, bool]
    """The switches to set, those that others need before them."""
    sections: dict[str, object]
    """The new values of `SECTIONS`, where they change."""
    changes: list[SettingsChange]
    notes: list[str]
    """Sentences about what is left as it is, and what is to be done by hand."""


def plan_import(
    current: SettingsFile,
    wanted: SettingsFile,
    *,
    replace_hosts: bool = False,
    flags: Mapping[str, FeatureFlag] | None = None,
) -> SettingsPlan:
    """What has to change so that `current` says what `wanted` does; sections that the latter lacks stay.

    Args:
        current: what is set now.
        wanted: what a file says.
        replace_hosts: whether the file's list of hosts takes the place of the list that is there.
        flags: the features there are, as they are switched; without them those of the specification.
    """
    changes: list[SettingsChange] = []
    notes = list(wanted.warnings)
    merged = _hosts(current.hosts or [], wanted.hosts, replace_hosts, changes, notes)
    features = _features(current, wanted, default_feature_flags() if flags is None else flags, changes, notes)
    sections = {}
    for name in SECTIONS:
        before, value = current.section(name), wanted.section(name)
        if value is not None and value != before:
            sections[name] = value
            changes.extend(_section_changes(name, before, value))
            if isinstance(value, ExtensionPrivacySettings):
                former = before if isinstance(before, ExtensionPrivacySettings) else ExtensionPrivacySettings()
                if _lifetime(value.retention_policy) < _lifetime(former.retention_policy):
                    notes.append("Text from browsers that may not be kept so long any more is deleted.")
    return SettingsPlan(
        hosts=None if merged is None else merged.hosts,
        removed_hosts=[] if merged is None else merged.removed,
        features=features,
        sections=sections,
        changes=changes,
        notes=notes,
    )


def _lifetime(policy: ContextRetentionPolicy) -> timedelta:
    if policy.kind is RetentionKind.SESSION_ONLY:
        return timedelta(0)
    return timedelta.max if policy.lifetime is None else policy.lifetime


def _hosts(
    current: list[SavedHost],
    wanted: list[SavedHost] | None,
    replace: bool,
    changes: list[SettingsChange],
    notes: list[str],
) -> MergedHosts | None:
    if not wanted:
        if replace:
            notes.append("The file lists no hosts, so the list of hosts stays as it is.")
        return None
    merged = merge_hosts(current, wanted, replace=replace)
    notes.extend(
        f"{left.host.name} at {left.host.config.base_url} is left out: that server is in the list as {left.other}."
        for left in merged.left
    )
    found = list(_host_changes(current, merged))
    if not found:
        return None
    changes.extend(found)
    for one in merged.hosts:
        if one.is_different:
            notes.extend(_secret_notes(one.host))
    return merged


def _host_changes(current: list[SavedHost], merged: MergedHosts) -> Iterator[SettingsChange]:
    for one in merged.hosts:
        name, url = one.host.name, one.host.config.base_url
        if one.former is None:
            yield SettingsChange(HOSTS, name, f"{name} is added, at {url}")
        elif one.is_different:
            yield SettingsChange(HOSTS, name, f"{name} is changed{_difference(one.host, one.former)}")
    for host in merged.removed:
        yield SettingsChange(HOSTS, host.name, f"{host.name} is taken off the list")
    default = next(one for one in merged.hosts if one.host.is_default)
    former = next((host for host in current if host.is_default), None)
    if former is not None and (default.former is None or not default.former.is_default):
        yield SettingsChange(
            HOSTS, default.host.name, f"{default.host.name} becomes the default host, which {former.name} was"
        )
    order = [one.former.name for one in merged.hosts if one.former is not None]
    there = [host.name for host in current if host.name in order]
    if order != there:
        names = ", ".join(one.host.name for one in merged.hosts)
        yield SettingsChange(HOSTS, "", f"the order becomes {names}")


def _difference(host: SavedHost, former: SavedHost) -> str:
    what = []
    if host.name != former.name:
        what.append(f"it was called {former.name}")
    if host.config.base_url != former.config.base_url:
        what.append(f"it is at {host.config.base_url}, and was at {former.config.base_url}")
    what.extend(
        f"{word} {'are others' if word.endswith('s') else 'is another one'}"
        for word, one, other in (
            ("its protocol", host.protocol, former.protocol),
            ("its log-in", to_builtins(host.config.authentication), to_builtins(former.config.authentication)),
            ("its certificates", host.config.tls, former.config.tls),
            ("its timeout", host.config.connection_timeout, former.config.connection_timeout),
            ("the limits of its connections", host.pool, former.pool),
            ("its retries", host.retry_policy, former.retry_policy),
        )
        if one != other
    )
    return f": {'; '.join(what)}" if what else ""


def _secret_notes(host: SavedHost) -> Iterator[str]:
    """What a person has to see to, because secrets are in no file."""
    auth, tls = host.config.authentication, host.config.tls
    sources: list[SecretSource] = []
    if auth is not None:
        sources.extend(auth.sources)
        if not auth.is_complete and not auth.needs_resolving:
            yield f"{host.name} has a log-in whose secret was never saved: give it again."
    if tls is not None and tls.client_key_password is not None:
        sources.append(tls.client_key_password)
    if sources:
        where = " and ".join(dict.fromkeys(_PLACES[one.place].format(name=one.name) for one in sources))
        yield f"{host.name} logs in with a secret that is not in the file: it is looked for in {where}."


def _features(
    current: SettingsFile,
    wanted: SettingsFile,
    flags: Mapping[str, FeatureFlag],
    changes: list[SettingsChange],
    notes: list[str],
) -> dict[str, bool]:
    kept = current.features or {}
    states = {name: kept.get(name, flag.enabled) for name, flag in flags.items()} | dict(wanted.features or {})
    switched = dict(wanted.features or {})
    if not switched:
        return {}
    for name, flag in _needed_first(flags):
        off = [flags[other].name if other in flags else other for other in flag.prerequisites if not states.get(other)]
        if states[name] and off:
            states[name] = switched[name] = False
            notes.append(
                f"{flag.name} is off: it needs {' and '.join(off)}, which {'is' if len(off) == 1 else 'are'} off."
            )
    order = {name: number for number, (name, _) in enumerate(_needed_first(flags))}
    made = {}
    for name in sorted(switched, key=lambda one: order.get(one, len(order))):
        on = switched[name]
        if kept.get(name) is on:
            continue
        made[name] = on
        flag_or_none = flags.get(name)
        title = name if flag_or_none is None else flag_or_none.name
        if flag_or_none is None:
            notes.append(f"This version has no feature {name}; how it is switched is kept for one that has.")
        stays = name not in kept and flag_or_none is not None and flag_or_none.enabled is on
        word = f"stays {_on(on)}, from now on by choice" if stays else f"is switched {_on(on)}"
        changes.append(SettingsChange(FEATURES, name, f"{title} {word}"))
    return made


def _needed_first(flags: Mapping[str, FeatureFlag]) -> list[tuple[str, FeatureFlag]]:
    """The features in an order in which none comes before one that it needs."""
    done: dict[str, FeatureFlag] = {}

    def take(name: str, above: tuple[str, ...]) -> None:
        if name in done or name in above or name not in flags:
            return
        for other in flags[name].prerequisites:
            take(other, (*above, name))
        done[name] = flags[name]

    for name in flags:
        take(name, ())
    return list(done.items())


def _on(on: bool) -> str:
    return "on" if on else "off"


def _section_changes(name: str, before: object, value: object) -> Iterator[SettingsChange]:
    former = facts(SECTIONS[name]() if before is None else before)
    different = [(fact, former[fact], text) for fact, text in facts(value).items() if former[fact] != text]
    for fact, old, new in different:
        yield SettingsChange(name, fact.replace(" ", "_"), f"{fact}: {old} → {new}")
    if not different:
        yield SettingsChange(name, "", f"{TITLES[name].lower()} stays as it is, from now on by choice")
