"""The list of hosts: adding, changing, ordering and removing them, and keeping it across starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec

from ecs_localai.components.events import HostAdded, HostChanged, HostRemoved, UIUpdateEvent, UIUpdateKind
from ecs_localai.components.hosts import (
    ConnectionPool,
    DefaultHost,
    HostHealthMonitor,
    HostOrigin,
    HostProtocol,
    OllamaAPIClient,
    OllamaConfiguration,
    OllamaHost,
    OllamaHostManager,
    RetryPolicy,
)
from ecs_localai.components.models import HostModels
from ecs_localai.ollama.address import parse_host
from ecs_localai.runtime import App
from ecs_localai.systems.host_entries import (
    HostListError,
    ListedHost,
    find_among,
    no_such_host,
    refuse_taken,
)
from ecs_localai.systems.host_of_this_run import HostOfThisRun
from ecs_localai.systems.host_refusals import Known, apart, follows_address, left_out_texts
from ecs_localai.systems.links import HostLink, HostLinks
from ecs_localai.systems.persistence import SavedState
from ecs_localai.systems.saved_hosts import OF_ONE_RUN, SavedHost, configuration_of, name_for, server_of, tidy_name

__all__ = ["HostListError", "ListedHost", "OllamaHosts", "no_such_host"]


class OllamaHosts:
    """The list of hosts. A resource; for use on the frame thread.

    What it changes is on the hosts' entities at once, and is saved where the app has a data folder.
    """

    def __init__(self, app: App, saved: SavedState) -> None:
        self._world = app.world
        self._saved = saved
        self._links = app.world.resource(HostLinks)
        self._added = app.add_event(HostAdded).writer()
        self._changed = app.add_event(HostChanged).writer()
        self._removed = app.add_event(HostRemoved).writer()
        self._ui = app.add_event(UIUpdateEvent).writer()
        self._is_following = False
        self.this_run = HostOfThisRun()
        self.default_to_save: int | None = None
        """The entity of the default host across starts, where another one is the default of this run alone."""
        self.begun: tuple[list[SavedHost], OllamaConfiguration | None] = [], None
        """What the list began with."""
        self.told_default: int | None = None
        """The entity of the default host that has been told last."""
        self.left_out: Mapping[str, str] = {}
        """The saved hosts that are not in the list, by their names, with the reason for each."""
        self.told: set[int] = set()
        """The entities whose coming has been told; those of hosts that a program spawns are not among them yet."""

    # Looking

    def all(self) -> list[ListedHost]:
        """The hosts in their order."""
        world = self._world
        defaults = {entity for entity, _ in world.query(DefaultHost)}
        listed = [
            ListedHost(entity, host, manager, models, link, entity in defaults)
            for entity, (host, manager, models, link) in world.query(
                OllamaHost, OllamaHostManager, HostModels, HostLink
            )
            if world.exists(entity)
        ]
        return sorted(listed, key=lambda one: (one.host.position, one.entity))

    @property
    def default(self) -> ListedHost | None:
        """The host that is used where none is named; None while there is no host at all."""
        hosts = self.all()
        return next((one for one in hosts if one.is_default), hosts[0] if hosts else None)

    def find(self, text: str) -> ListedHost | None:
        """The host of this name, base URL or address as people type it; empty text is the default host."""
        wanted = text.strip()
        return find_among(self.all(), wanted) if wanted else self.default

    def named(self, name: str) -> ListedHost | None:
        """The host of exactly this name, but for upper and lower case."""
        return next((one for one in self.all() if one.host.name.casefold() == name.casefold()), None)

    def require(self, text: str) -> ListedHost:
        """Like `find`.

        Raises:
            HostListError: there is no such host.
        """
        found = self.find(text)
        if found is None:
            raise HostListError(no_such_host(text, [one.host.name for one in self.all()]))
        return found

    def require_ollama(self, text: str) -> ListedHost:
        """Like `require`, for what only an Ollama can do: installing, loading, copying and removing models.

        Raises:
            HostListError: there is no such host, or it speaks another protocol.
        """
        one = self.require(text)
        if one.host.protocol is not HostProtocol.OLLAMA:
            raise HostListError(f"{one.host.name} is no Ollama, so its models are managed by its own means.")
        return one

    # Changing

    def add(
        self,
        config: OllamaConfiguration | str,
        name: str = "",
        *,
        protocol: HostProtocol = HostProtocol.OLLAMA,
        origin: HostOrigin = HostOrigin.ADDED,
        pool: ConnectionPool | None = None,
        retry_policy: RetryPolicy | None = None,
    ) -> int:
        """Add a host at the end of the list, by its configuration or its address as people type it; returns its entity.

        The first one is the default.

        Raises:
            HostListError: its name or its address is taken.
            InvalidHost: the text is not an address.
        """
        if isinstance(config, str):
            config = configuration_of(parse_host(config))
        hosts, name = self.all(), tidy_name(name)
        refuse_taken(hosts, config.base_url, name, Known(name, config.base_url) if self._is_following else None)
        saved = SavedHost(name or name_for(config, [one.host.name for one in hosts]), config, protocol, origin)
        saved = msgspec.structs.replace(saved, pool=pool or saved.pool, retry_policy=retry_policy or saved.retry_policy)
        position = max((one.host.position for one in hosts), default=-1) + 1
        entity = self._spawn(saved, position)
        if not hosts:
            self._world.insert(entity, DefaultHost())
        self._after_change()
        return entity

    def _spawn(self, saved: SavedHost, position: int) -> int:
        config = saved.config
        api = OllamaAPIClient.for_host(config, saved.retry_policy)
        manager = OllamaHostManager(config, saved.pool, HostHealthMonitor(), api)
        link = self._links.make()
        link.config = config
        entity = self._world.spawn(
            OllamaHost(saved.name, position, saved.origin, saved.protocol),
            config,
            manager.connection_pool,
            manager.health_monitor,
            api,
            manager,
            HostModels(),
            link,
        )
        self.tell_added(entity, config.base_url, saved.name)
        return entity

    def edit(
        self,
        entity: int,
        config: OllamaConfiguration | None = None,
        name: str = "",
        *,
        protocol: HostProtocol | None = None,
    ) -> None:
        """Change a host; what is not given stays. With another configuration it is connected to anew.

        Raises:
            HostListError: there is no such host, or the new name or address is another one's.
        """
        one = self._at(entity)
        former, name = one.base_url, tidy_name(name)
        others = [other for other in self.all() if other.entity != entity]
        refuse_taken(others, former if config is None else config.base_url, name, Known(one.host.name, former))
        follows = name in {"", one.host.name} and follows_address(one.host.name, former)
        if config is not None and config.base_url != former and follows:
            name = name_for(config, [other.host.name for other in others])
        one.host.name = name or one.host.name
        if one.host.origin in OF_ONE_RUN:
            one.host.origin = HostOrigin.ADDED
        self.configure(one, config, protocol or one.host.protocol)
        self._tell_changed(one, one.base_url, former if former != one.base_url else "")

    def configure(self, one: ListedHost, config: OllamaConfiguration | None, protocol: HostProtocol) -> None:
        """Give a host another configuration, or None for that which it has, and protocol. Neither tells nor saves."""
        if protocol is not one.host.protocol:
            one.host.protocol = protocol
            config = one.config if config is None else config
        if config is not None:
            if config is one.link.config:
                config = msgspec.structs.replace(config)  # another object: it is connected to anew
            one.link.edited = one.manager.host_config = config
            self._world.insert(one.entity, config)  # the rest follows, as when a program does this

    def remove(self, entity: int) -> None:
        """Take a host off the list. Its models stay where they are.

        Raises:
            HostListError: there is no such host, or it is the only one.
        """
        one = self._at(entity)
        if len(self.all()) == 1:
            raise HostListError(f"{one.host.name} is the only host. Add another one first, or change its address.")
        self._world.despawn(entity)
        self.save()  # the next frame, which tells it, may not come

    def move(self, entity: int, by: int) -> None:
        """Move a host so many places down the list; negative is up. Beyond an end it stays there.

        Raises:
            HostListError: there is no such host.
        """
        one = self._at(entity)
        hosts = self.all()
        index = next(number for number, other in enumerate(hosts) if other.entity == entity)
        moved = hosts.pop(index)
        hosts.insert(max(0, min(len(hosts), index + by)), moved)
        for position, other in enumerate(hosts):
            other.host.position = position
        self._tell_changed(one, one.base_url)

    def put_in_order(self, names: Sequence[str]) -> None:
        """Order the hosts as these names are; those that are not among them come behind, in their order."""
        wanted = {name.casefold(): number for number, name in enumerate(names)}
        hosts = self.all()
        ordered = sorted(hosts, key=lambda one: wanted.get(one.host.name.casefold(), len(wanted)))
        for position, one in enumerate(ordered):
            one.host.position = position
        if [one.entity for one in ordered] != [one.entity for one in hosts]:
            self._after_change()

    def set_default(self, entity: int) -> None:
        """Make a host the one that is used where none is named.

        Raises:
            HostListError: there is no such host.
        """
        one = self._at(entity)
        self._make_default(entity)
        if one.host.origin not in OF_ONE_RUN:
            self.default_to_save = entity
        self._tell_changed(one, one.base_url, is_default=True)

    def _make_default(self, entity: int) -> None:
        there = {other for other, _ in self._world.query(DefaultHost)}
        for other in there - {entity}:
            self._world.remove(other, DefaultHost)
        if entity not in there:
            self._world.insert(entity, DefaultHost())

    # Keeping

    def begin_with(self, hosts: list[SavedHost], given: OllamaConfiguration | None) -> dict[str, str]:
        """Fill the empty list: the saved hosts, and the one that was given for this run, which is then the default.

        Returns for each saved one that cannot be in the list, by its name, why.
        """
        self.begun = hosts, given
        hosts, left = apart(hosts)
        if given is not None:
            self.this_run = HostOfThisRun(given)
        there: dict[str, int] = {}
        configs: dict[int, OllamaConfiguration] = {}
        names: list[str] = []
        default: int | None = None
        for saved in hosts:
            server = server_of(saved.config.base_url)
            named = msgspec.structs.replace(saved, name=tidy_name(saved.name) or name_for(saved.config, names))
            entity = there[server] = self._spawn(named, len(there))
            configs[entity] = named.config
            names.append(named.name)
            if default is None or saved.is_default:
                default = entity
                self.default_to_save = None if saved.origin in OF_ONE_RUN else entity
        if given is not None:
            chosen = there.get(server_of(given.base_url))
            if chosen is None:
                run = SavedHost(name_for(given, names), given, origin=HostOrigin.ENVIRONMENT)
                default = self._spawn(run, len(there))
            else:
                default = chosen
                config = self.this_run.configuration(chosen, configs[chosen])
                if config is not configs[chosen]:
                    self._at(chosen).manager.host_config = config
                    self._world.insert(chosen, config)  # the rest follows in the first frame
        if default is not None:
            self._make_default(default)
        return left

    def leave_out(self, left: Mapping[str, str]) -> None:
        """These saved hosts, by their names, are not in the list, each for a reason, which is told. They stay saved."""
        before, self.left_out = self.left_out, left
        self._saved.leave_out(left)
        self.tell_of_file(left_out_texts(before), left_out_texts(left))

    def tell_of_file(self, before: Sequence[str], now: Sequence[str]) -> None:
        """Show what is wrong with the saved hosts now; what was wrong and is not any more is shown no longer."""
        if self._saved.tell_changed(before, now):
            self.show()

    def make_again(self, former: list[ListedHost]) -> None:
        """Fill the list, which somebody has emptied together with the world, with what was in it before."""
        kept = next((one.base_url for one in former if one.entity == self.default_to_save), None)
        self.told.clear()
        self.begin_with([one.to_saved() for one in former], None)
        if kept is not None:
            self.default_to_save = next((one.entity for one in self.all() if one.base_url == kept), None)

    def save(self) -> None:
        """Hand the list over to be kept across starts, each server once; a default of this run does not replace it."""
        if self._is_following:
            return
        hosts = self.all()
        default = self.default_to_save
        if default is None or all(one.entity != default for one in hosts):
            default = next((one.entity for one in hosts if one.is_default), None)
        kept = [(one, self.this_run.to_keep(one.entity, one.config)) for one in hosts]
        listed, _ = apart(
            msgspec.structs.replace(one.to_saved(), config=config, is_default=one.entity == default)
            for one, config in kept
        )
        self._saved.set_hosts(listed)

    @contextmanager
    def following(self) -> Iterator[None]:
        """What is changed in here is in the file already: nothing is written but what differs from that at the end."""
        self._is_following = True
        try:
            yield
        finally:
            self._is_following = False
            self.save()

    def tell_removed(self, base_url: str, name: str) -> None:
        """A host is not there any more."""
        self._removed.write(HostRemoved(base_url, name))

    def tell(self, text: str) -> None:
        """Show a sentence."""
        self._ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text=text))

    def show(self) -> None:
        """Have the list shown anew."""
        self._ui.write(UIUpdateEvent(UIUpdateKind.HOST_CHANGED))
        self._ui.write(UIUpdateEvent(UIUpdateKind.MODELS_CHANGED))

    def keep_changes(self) -> None:
        """Save the list, and have it shown, after a program has changed it."""
        self._after_change()

    def tell_added(self, entity: int, base_url: str, name: str) -> None:
        """A host has come."""
        self.told.add(entity)
        self._added.write(HostAdded(base_url, name))

    def tell_default(self, one: ListedHost) -> None:
        """A program, or the removal of another host, has made this one the default."""
        self._tell_changed(one, one.base_url, is_default=True)

    def tell_followed(self, one: ListedHost, former: str) -> None:
        """A program has given a host another configuration; `former` is the base URL that it had."""
        self._tell_changed(one, one.base_url, former if former != one.base_url else "")

    def _at(self, entity: int) -> ListedHost:
        found = next((one for one in self.all() if one.entity == entity), None)
        if found is None:
            raise HostListError("There is no such host any more: it has been removed.")
        return found

    def _tell_changed(
        self, one: ListedHost, base_url: str, former: str = "", *, is_default: bool | None = None
    ) -> None:
        default = one.is_default if is_default is None else is_default
        if default:
            self.told_default = one.entity
        self._changed.write(HostChanged(base_url, one.host.name, default, former))
        self._after_change()

    def _after_change(self) -> None:
        self.save()
        self.show()
