"""``ecs-localai settings show``: what is set, for people to read."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_localai.commands.saved_settings import read_settings
from ecs_localai.commands.target import Target
from ecs_localai.commands.terminal import say, say_json
from ecs_localai.components.features import default_feature_flags
from ecs_localai.components.hosts import HostProtocol
from ecs_localai.systems.saved_hosts import SavedHost
from ecs_localai.systems.settings_file import SECTIONS, SettingsFile, settings_object
from ecs_localai.systems.settings_words import TITLES, facts


def show_settings(target: Target, as_json: bool) -> int:
    """Print what is set; as JSON it is the file that export writes, in one line. Returns the exit code."""
    folder = target.folder()
    settings = read_settings(folder)
    if as_json:
        say_json(settings_object(settings))
        return 0
    from ecs_localai.commands.tables import draw, text

    say(f"The settings in {folder}:")
    for name, lines in _sections(settings):
        draw("", text(TITLES[name], "bold"), *(text(f"  {line}") for line in lines))
    usual = [TITLES[name].lower() for name in SECTIONS if settings.section(name) is None]
    if usual:
        draw("", text(f"As usual: {', '.join(usual)}."))
    return 0


def _sections(settings: SettingsFile) -> Iterator[tuple[str, list[str]]]:
    yield "hosts", _hosts(settings.hosts or [])
    flags = default_feature_flags()
    switched = [
        f"{flags[name].name if name in flags else name}: {'on' if on else 'off'}"
        for name, on in (settings.features or {}).items()
    ]
    yield "features", switched or ["none: all are as they come"]
    for name in SECTIONS:
        value = settings.section(name)
        if value is not None:
            yield name, [f"{fact}: {said}" for fact, said in facts(value).items()]


def _hosts(hosts: list[SavedHost]) -> list[str]:
    if not hosts:
        return ["as usual: this computer"]
    width = max(len(host.name) for host in hosts)
    return [
        f"{'*' if host.is_default else ' '} {host.name:{width}}  {host.config.base_url}{_more(host)}" for host in hosts
    ]


def _more(host: SavedHost) -> str:
    auth = host.config.authentication
    parts = ["OpenAI's protocol"] if host.protocol is HostProtocol.OPENAI else []
    if auth is not None:
        places = ", ".join(f"{source.place.value} {source.name}" for source in auth.sources)
        parts.append(f"log-in: {auth.kind.value}, {f'kept in {places}' if places else 'its secret is not kept'}")
    return f"  ({'; '.join(parts)})" if parts else ""
