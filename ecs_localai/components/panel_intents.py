"""What a person did in the panel, as events: written by the panel, read by the systems.

They are events of the world like any others, so a script, a test or a host program can write them too.
"""

from __future__ import annotations

import msgspec

from ecs_localai.components.forgetting import Forgettable
from ecs_localai.components.hosts import HostProtocol, OllamaConfiguration
from ecs_localai.components.panel import PanelSettings
from ecs_localai.components.recipe import ModelRecipe
from ecs_localai.components.time_values import Timestamp


class HostEdited(msgspec.Struct, frozen=True):
    """The host field was confirmed with this text."""

    text: str


class InstallRequested(msgspec.Struct, frozen=True):
    """Models are to be installed: the preflight was agreed to, or nobody needs one."""

    text: str
    """A model's name, or several with spaces or commas between them."""
    hosts: list[str] = []
    """The names or base URLs of the hosts that are to install it; empty for the default one."""
    not_before: Timestamp | None = None
    """When it may begin; None: as soon as it is its turn."""
    ignores_room: bool = False
    """As in `DownloadConfig`."""
    replaces_unread: bool = False
    """As in `DownloadConfig`."""
    left_alone: dict[str, list[str]] = {}
    """By the name of a model, in its usual form, those of `hosts` that it is not installed on: they have it."""


class PreflightRequested(msgspec.Struct, frozen=True):
    """The install field was confirmed with this text: say what installing it would mean. Nothing is installed."""

    text: str
    """As in `InstallRequested`."""
    hosts: list[str] = []
    """As in `InstallRequested`."""
    context_length: int | None = None
    """The tokens that it is to have room for; None: as many as Ollama gives it by itself."""


class PreflightDismissed(msgspec.Struct, frozen=True):
    """What the preflight says is not wanted any more."""


class PauseRequested(msgspec.Struct, frozen=True):
    """An installation is to stop for now, and to keep its place and what has arrived."""

    installation_id: str = ""
    """Empty: all of them, also those that wait."""


class ResumeRequested(msgspec.Struct, frozen=True):
    """A paused or scheduled installation is to go on when it is its turn."""

    installation_id: str = ""
    """Empty: all that are paused."""


class MoveInstallationRequested(msgspec.Struct, frozen=True):
    """An installation that waits is to have its turn earlier or later."""

    installation_id: str
    by: int
    """So many places later; negative is earlier."""


class ScheduleRequested(msgspec.Struct, frozen=True):
    """An installation is not to go on before a moment, or not to wait for one any more."""

    installation_id: str
    not_before: Timestamp | None


class DownloadLimitChanged(msgspec.Struct, frozen=True):
    """So many downloads at once are to run on each host. Those that run already go on."""

    at_once: int


class ImportModelRequested(msgspec.Struct, frozen=True):
    """Files were dropped: GGUF files that make up one model, or a Modelfile."""

    paths: list[str]
    model_name: str = ""
    """Empty: made from what the file says of itself, or from its name."""
    host: str = ""
    """The host's name or base URL; empty for the default one."""


class CreateModelRequested(msgspec.Struct, frozen=True):
    """A model is to be made: of another one with other parameters, or of files."""

    model_name: str
    recipe: ModelRecipe
    host: str = ""
    """The host's name or base URL; empty for the default one."""


class FilesDropped(msgspec.Struct, frozen=True):
    """Files were dropped whose names do not say what they are: they are to be looked at, and done with as they say."""

    paths: list[str]
    hosts: list[str] = []
    """As in `InstallRequested`, where it is a model."""


class ModelDetailsRequested(msgspec.Struct, frozen=True):
    """What a model says of itself (`ModelText`) is to be read, unless it is known."""

    model_name: str
    digest: str
    """`InstalledModel.digest`."""


class CheckUpdatesRequested(msgspec.Struct, frozen=True):
    """Compare installed models with what their registries have. Nothing is installed."""

    host: str = ""
    """The host's name or base URL; empty for all hosts."""


class UpdateModelsRequested(msgspec.Struct, frozen=True):
    """Installed models are to be replaced by their registries' versions."""

    model_names: list[str] = []
    """Empty: all that are outdated, and none that only possibly are."""
    host: str = ""
    """The host's name or base URL; empty for the default one, and for all hosts where no model is named."""


class InstallRequiredRequested(msgspec.Struct, frozen=True):
    """What entities need (`RequiresModel`) is to be installed."""

    entities: list[int] = []
    """Empty: what all of them need."""


class CancelRequested(msgspec.Struct, frozen=True):
    """A running or queued installation is to stop."""

    installation_id: str


class RetryRequested(msgspec.Struct, frozen=True):
    """A failed or cancelled installation is to start again."""

    installation_id: str


class DismissRequested(msgspec.Struct, frozen=True):
    """An ended installation's row is to go away."""

    installation_id: str


class DeleteModelRequested(msgspec.Struct, frozen=True):
    """A model is to be removed from a host. The panel has asked for confirmation already."""

    model_name: str
    host: str = ""
    """The host's name or base URL; empty for the default one."""


class LoadModelRequested(msgspec.Struct, frozen=True):
    """A model is to be loaded into a host's memory, or, where it is loaded, to stay as long as this says."""

    model_name: str
    host: str = ""
    """The host's name or base URL; empty for the default one."""
    pinned: bool = False
    """Whether it stays until somebody unloads it, instead of as long as the host keeps models by itself."""


class UnloadModelRequested(msgspec.Struct, frozen=True):
    """A model is to be taken out of a host's memory."""

    model_name: str
    host: str = ""
    """The host's name or base URL; empty for the default one."""


class CopyModelRequested(msgspec.Struct, frozen=True):
    """A model is to have another name as well, or, if it is to move, instead."""

    model_name: str
    new_name: str
    host: str = ""
    """The host's name or base URL; empty for the default one."""
    move: bool = False
    """Whether the old name is to go: the model is renamed."""


class ToggleRequested(msgspec.Struct, frozen=True):
    """A feature's toggle was switched."""

    feature_id: str
    on: bool


class PanelSettingsChanged(msgspec.Struct, frozen=True):
    """The panel's look, its window or the order of its models was changed; all of that is to be as this says."""

    settings: PanelSettings


class NoticeDismissed(msgspec.Struct, frozen=True):
    """A notice was closed."""

    notice_id: int


class RefreshRequested(msgspec.Struct, frozen=True):
    """Look again now: the host, its models, everything."""


class HostSecret:
    """A secret that was typed, on its way to the system's keyring. Shown nowhere, and not in what is written down."""

    __slots__ = ("_entry", "_value")

    def __init__(self, entry: str, value: str = "") -> None:
        self._entry = entry
        self._value = value

    @property
    def entry(self) -> str:
        """The name of the entry, as in the `SecretSource` of the host's authentication."""
        return self._entry

    @property
    def value(self) -> str:
        """The secret itself; empty in what was read back."""
        return self._value

    def to_data(self) -> dict[str, object]:
        """What may be written down: the entry's name."""
        return {"entry": self._entry}

    @classmethod
    def from_data(cls, data: object) -> HostSecret:
        """The opposite of `to_data`; it takes a ``value``, too, so that one can be sent to us."""
        if not isinstance(data, dict) or not isinstance(data.get("entry"), str):
            raise ValueError("A typed secret must be an object with the name of its entry.")
        value = data.get("value", "")
        if not isinstance(value, str):
            raise ValueError("The value of a typed secret must be text.")
        return cls(data["entry"], value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HostSecret):
            return NotImplemented
        return (self._entry, self._value) == (other._entry, other._value)

    def __hash__(self) -> int:
        return hash((self._entry, self._value))

    def __reduce__(self) -> tuple[object, ...]:
        return HostSecret, (self._entry,)

    def __repr__(self) -> str:
        return f"HostSecret(entry={self._entry!r}, value hidden)"


class AddHostRequested(msgspec.Struct, frozen=True):
    """A host is to come into the list, as the last one."""

    address: str
    """As people type it (`ecs_localai.ollama.parse_host`)."""
    name: str = ""
    """Empty: made from the address."""
    config: OllamaConfiguration | None = None
    """Everything but where it is: timeout, authentication, TLS. Host, port, scheme and path are those of `address`."""
    protocol: HostProtocol = HostProtocol.OLLAMA
    secret: HostSecret | None = None
    """What is to be put into the system's keyring for it."""


class EditHostRequested(msgspec.Struct, frozen=True):
    """A host's name, address or settings are to change."""

    host: str
    """The host's name or base URL until now."""
    address: str
    name: str = ""
    """Empty: the name stays."""
    config: OllamaConfiguration | None = None
    """As in `AddHostRequested`; None: the settings stay."""
    protocol: HostProtocol | None = None
    """None: stays."""
    secret: HostSecret | None = None


class RemoveHostRequested(msgspec.Struct, frozen=True):
    """A host is to go from the list. Its models stay where they are."""

    host: str


class DefaultHostRequested(msgspec.Struct, frozen=True):
    """A host is to be the one that is used where none is named."""

    host: str


class MoveHostRequested(msgspec.Struct, frozen=True):
    """A host is to stand elsewhere in the list."""

    host: str
    by: int
    """So many places down; negative is up."""


class FindHostsRequested(msgspec.Struct, frozen=True):
    """Look for hosts: on this machine, and in the local network where somebody wants that."""

    lan: bool = False


class StartLocalServerRequested(msgspec.Struct, frozen=True):
    """Start the Ollama of this machine."""


class StopLocalServerRequested(msgspec.Struct, frozen=True):
    """Stop the Ollama of this machine that we have started."""


class ExportSettingsRequested(msgspec.Struct, frozen=True):
    """The settings are to be written to a file, under a name that is not taken."""

    folder: str = ""
    """Where to; empty: the person's folder for documents, or where there is none the home folder."""


class ImportSettingsRequested(msgspec.Struct, frozen=True):
    """A settings file was dropped on the window: it is to be read, and what it would change to be shown."""

    path: str


class ImportSettingsAnswered(msgspec.Struct, frozen=True):
    """The question that `ImportSettingsRequested` leads to was answered."""

    agreed: bool


class ForgetRequested(msgspec.Struct, frozen=True):
    """Kept data is to be deleted. The panel has asked for confirmation already."""

    what: Forgettable
