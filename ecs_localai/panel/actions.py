"""What activating a control does inside the panel; everything else is an intent for the systems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from ecs_localai.components.panel import ModelSort, ThemeChoice
    from ecs_localai.components.panel_intent_list import Intent as Intent


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask a question where the control is, instead of acting at once."""

    question: str
    """As in `UiState.question`."""
    harmless: str
    """The node of the answer that changes nothing: it comes first under the keyboard."""
    last: str = ""
    """The node of the last answer, where the answers stand below: it is scrolled into sight. What then comes to lie
    under the pointer does nothing at once, so that the second click of a double click agrees to nothing."""


@dataclass(frozen=True, slots=True)
class Decline:
    """Take the question away: nothing happens."""


@dataclass(frozen=True, slots=True)
class Agree:
    """The question was answered: these intents go out."""

    intents: tuple[Intent, ...]


@dataclass(frozen=True, slots=True)
class Unfold:
    """Show all of something, or less of it again."""

    what: str
    """As in `UiState.unfolded`."""
    on: bool


@dataclass(frozen=True, slots=True)
class SubmitField:
    """Take what a text field holds."""

    field_id: str


@dataclass(frozen=True, slots=True)
class ChooseInstallPlace:
    """Choose where the install field installs to (`UiState.install_on`)."""

    host: str


@dataclass(frozen=True, slots=True)
class TakeName:
    """Put a name in place of the one that is being typed into the install field."""

    name: str


@dataclass(frozen=True, slots=True)
class ChooseContext:
    """Have the sums of the card under the install field for so many tokens."""

    tokens: int


@dataclass(frozen=True, slots=True)
class AgreeToInstall:
    """Install what the card under the install field tells of; ``later``: at the time that it offers.

    ``anyway``: also what lacks room on the disk.
    """

    later: bool = False
    anyway: bool = False


@dataclass(frozen=True, slots=True)
class DismissPreflight:
    """Take that card away: nothing is installed."""


@dataclass(frozen=True, slots=True)
class ShowSearch:
    """Look for hosts and show what is found; or, with ``on`` False, take that away."""

    on: bool
    lan: bool = False


@dataclass(frozen=True, slots=True)
class OpenNaming:
    """Open the field for another name of a model."""

    model: str
    hosts: tuple[str, ...]
    """As in `ModelNaming.hosts`."""
    move: bool
    """Whether the old name is to go."""


@dataclass(frozen=True, slots=True)
class CloseNaming:
    """Close that field: nothing happens."""


@dataclass(frozen=True, slots=True)
class OpenModelForm:
    """Open the form to make a new model of this one."""

    model: str
    hosts: tuple[str, ...]
    """As in `ModelForm.hosts`."""


@dataclass(frozen=True, slots=True)
class CloseModelForm:
    """Close that form and forget what was typed."""


@dataclass(frozen=True, slots=True)
class SubmitModelForm:
    """Take what that form holds."""


@dataclass(frozen=True, slots=True)
class ShowMoreOfModelForm:
    """Show all of that form, or less of it again."""

    on: bool


@dataclass(frozen=True, slots=True)
class OpenHostForm:
    """Open the form to change a host, or, with an empty name, to add one."""

    host: str = ""


@dataclass(frozen=True, slots=True)
class CloseHostForm:
    """Close the form and forget what was typed."""


@dataclass(frozen=True, slots=True)
class SubmitHostForm:
    """Take what the form holds."""


@dataclass(frozen=True, slots=True)
class ChooseInForm:
    """Choose one of several in the form."""

    what: str
    """``login``, ``place``, ``protocol`` or ``more``."""
    choice: str


@dataclass(frozen=True, slots=True)
class ChooseTheme:
    """Have the panel in these colours."""

    theme: ThemeChoice


@dataclass(frozen=True, slots=True)
class ChooseScale:
    """Have everything drawn so large; None: as large as the system wants it."""

    scale: float | None


@dataclass(frozen=True, slots=True)
class ChooseModelSort:
    """Have the models in this order; the other way round where they are in it already."""

    by: ModelSort


@dataclass(frozen=True, slots=True)
class CopyText:
    """Put a text on the clipboard."""

    text: str


@dataclass(frozen=True, slots=True)
class ShowImportHint:
    """Say how a settings file is imported."""


LocalAction: TypeAlias = (
    Ask
    | Decline
    | Agree
    | Unfold
    | SubmitField
    | ChooseInstallPlace
    | TakeName
    | ChooseContext
    | AgreeToInstall
    | DismissPreflight
    | ShowSearch
    | OpenNaming
    | CloseNaming
    | OpenModelForm
    | CloseModelForm
    | SubmitModelForm
    | ShowMoreOfModelForm
    | OpenHostForm
    | CloseHostForm
    | SubmitHostForm
    | ChooseInForm
    | ChooseTheme
    | ChooseScale
    | ChooseModelSort
    | CopyText
    | ShowImportHint
)
