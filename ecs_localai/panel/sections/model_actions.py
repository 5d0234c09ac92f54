"""What can be done with a model: the buttons of its unfolded row, and the questions which host is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ecs_localai.components.panel_intents import (
    DeleteModelRequested,
    InstallRequested,
    LoadModelRequested,
    UnloadModelRequested,
    UpdateModelsRequested,
)
from ecs_localai.panel.actions import Agree, Ask, Decline, OpenModelForm, OpenNaming
from ecs_localai.panel.widgets.button import ButtonKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ecs_localai.components.panel_view import ModelRow
    from ecs_localai.panel.actions import Intent, LocalAction


class FootButton(NamedTuple):
    """A button below a model's row."""

    node_id: str
    label: str
    action: Intent | LocalAction
    name: str
    kind: ButtonKind = ButtonKind.PLAIN


class HostQuestion(NamedTuple):
    """Which of several hosts is meant; the first of the answers changes nothing."""

    text: str
    answers: list[FootButton]


def unfolded_name(row: ModelRow) -> str:
    """As in `UiState.unfolded`."""
    return f"model:{row.name}"


# ---- questions


def host_question(
    row: ModelRow, question: str | None, names: Mapping[str, str], *, unfolded: bool
) -> HostQuestion | None:
    """The question about this row that is asked below it (`UiState.question`); None where there is none.

    ``names`` are those of the hosts by their base URLs.
    """
    if question is None:
        return None
    what, _, name = question.partition(":")
    if name != row.name:
        return None
    if what == "delete" and len(row.hosts) > 1:
        return _delete_question(row)
    if what == "install" and len(row.installable_on) > 1:
        return _install_question(row)
    return _life_question(row, what, names) if unfolded else None


def _delete_question(row: ModelRow) -> HostQuestion:
    name = row.name
    answers = [FootButton(f"keep:{name}", "Keep", Decline(), f"Keep {name}")]
    answers += [
        FootButton(
            f"confirm:{name}:{host}", host, Agree((DeleteModelRequested(name, host),)),
            f"Delete {name} from {host} now", ButtonKind.DANGER_PLAIN,
        )
        for host in row.hosts
    ]  # fmt: skip
    everywhere = Agree(tuple(DeleteModelRequested(name, host) for host in row.hosts))
    label = f"All {len(row.hosts)} hosts"
    answers.append(
        FootButton(f"confirm:{name}", label, everywhere, f"Delete {name} from all hosts now", ButtonKind.DANGER)
    )
    freed = f" {row.freed_text}." if row.freed_text else ""
    return HostQuestion(f"Delete {name} from which host?{freed}", answers)


def _install_question(row: ModelRow) -> HostQuestion:
    name = row.name
    everywhere = Agree((InstallRequested(name, [*row.installable_on]),))
    label = f"All {len(row.installable_on)} hosts"
    answers = [
        _leave(row),
        FootButton(f"install-all:{name}", label, everywhere, f"Install {name} on all of them"),
    ]
    answers += [
        FootButton(
            f"install-here:{name}:{host}", host, Agree((InstallRequested(name, [host]),)), f"Install {name} on {host}"
        )
        for host in row.installable_on
    ]
    return HostQuestion(f"Install {name} on which host?", answers)


def _leave(row: ModelRow) -> FootButton:
    return FootButton(f"leave:{row.name}", "Leave", Decline(), f"Leave {row.name} as it is")


def _life_question(row: ModelRow, what: str, names: Mapping[str, str]) -> HostQuestion | None:
    """About loading, unloading, keeping loaded, copying, renaming, updating or making a new model of it."""
    name = row.name
    texts: dict[str, tuple[str, list[str], Callable[[tuple[str, ...]], Agree | OpenNaming | OpenModelForm]]] = {
        "load": (f"Load {name} on which host?", _loadable(row), lambda hosts: _load(name, hosts)),
        "unload": (f"Unload {name} on which host?", row.loaded_on, lambda hosts: _unload(name, hosts)),
        "stay": (f"Keep {name} loaded on which host?", _keepable(row), lambda hosts: _load(name, hosts, pinned=True)),
        "go": (f"No longer keep {name} loaded on which host?", row.pinned_on, lambda hosts: _load(name, hosts)),
        "copy": (f"Copy {name} on which host?", row.able_on, lambda hosts: OpenNaming(name, hosts, False)),
        "rename": (f"Rename {name} on which host?", row.able_on, lambda hosts: OpenNaming(name, hosts, True)),
        "update": (f"Update {name} on which host?", updatable_on(row, names), lambda hosts: _update(name, hosts)),
        "edit-model": (
            f"Make a new model of {name} on which host?",
            row.able_on,
            lambda hosts: OpenModelForm(name, hosts),
        ),
    }
    if what not in texts:
        return None
    text, hosts, act = texts[what]
    if len(hosts) < 2:
        return None
    answers = [_leave(row)]
    answers += [
        FootButton(f"{what}-here:{name}:{host}", host, act((host,)), f"{text.partition(' on which')[0]} on {host}")
        for host in hosts
    ]
    label = f"All {len(hosts)} hosts"
    everywhere = f"{text.partition(' on which')[0]} on all of them"
    answers.append(FootButton(f"{what}-all:{name}", label, act(tuple(hosts)), everywhere))
    return HostQuestion(text, answers)


def _load(name: str, hosts: tuple[str, ...], *, pinned: bool = False) -> Agree:
    return Agree(tuple(LoadModelRequested(name, host, pinned) for host in hosts))


def _unload(name: str, hosts: tuple[str, ...]) -> Agree:
    return Agree(tuple(UnloadModelRequested(name, host) for host in hosts))


def _update(name: str, hosts: tuple[str, ...]) -> Agree:
    return Agree(tuple(UpdateModelsRequested([name], host) for host in hosts))


def updatable_on(row: ModelRow, names: Mapping[str, str]) -> list[str]:
    """The names of the hosts where it can be updated."""
    return [names.get(base_url, base_url) for base_url in row.update_on]


def _loadable(row: ModelRow) -> list[str]:
    return [host for host in row.able_on if host not in row.loaded_on]


def _keepable(row: ModelRow) -> list[str]:
    return [host for host in row.able_on if host not in row.pinned_on]


# ---- buttons


def action_buttons(row: ModelRow, names: Mapping[str, str]) -> list[FootButton]:
    """What can be done with the model; nothing where that is not possible now (`ModelRow.inert_reason`)."""
    if row.inert_reason:
        return []
    name = row.name
    update = []
    if hosts := updatable_on(row, names):
        update.append(_button(row, "update", "Update", hosts, UpdateModelsRequested([name], row.update_on[0])))
    copy = FootButton(f"copy:{name}", "Copy…", _naming(row, move=False), f"Copy {name}")
    rename = FootButton(f"rename:{name}", "Rename…", _naming(row, move=True), f"Rename {name}")
    edit = FootButton(f"edit-model:{name}", "Edit as a new model…", _editing(row), f"Edit {name} as a new model")
    return [*update, *(_memory_buttons(row) if row.can_load else []), copy, rename, edit]


def _memory_buttons(row: ModelRow) -> list[FootButton]:
    if len(row.hosts) < 2:
        host = _only_host(row)
        if row.loaded:
            return [_button(row, "unload", "Unload", [host], UnloadModelRequested(row.name, host))]
        return [_button(row, "load", "Load", [host], LoadModelRequested(row.name, host))]
    buttons = []
    if hosts := _loadable(row):
        buttons.append(_button(row, "load", "Load", hosts, LoadModelRequested(row.name, hosts[0])))
    if hosts := row.loaded_on:
        buttons.append(_button(row, "unload", "Unload", hosts, UnloadModelRequested(row.name, hosts[0])))
    if hosts := _keepable(row):
        keep = LoadModelRequested(row.name, hosts[0], pinned=True)
        buttons.append(_button(row, "stay", "Keep loaded", hosts, keep))
    if hosts := row.pinned_on:
        release = LoadModelRequested(row.name, hosts[0])
        buttons.append(_button(row, "go", "No longer keep loaded", hosts, release))
    return buttons


def _button(row: ModelRow, what: str, label: str, hosts: Sequence[str], only: Intent) -> FootButton:
    """A button that acts on the only host there is for it, or asks which one is meant."""
    name = row.name
    if len(hosts) > 1:
        ask = Ask(f"{what}:{name}", f"leave:{name}", f"{what}-all:{name}")
        return FootButton(f"{what}:{name}", f"{label}…", ask, f"{label}: {name}")
    shown = f"{label} on {hosts[0]}" if len(row.hosts) > 1 else label
    return FootButton(f"{what}:{name}", shown, only, f"{shown}: {name}")


def _naming(row: ModelRow, *, move: bool) -> OpenNaming | Ask:
    if len(row.able_on) > 1:
        what = "rename" if move else "copy"
        return Ask(f"{what}:{row.name}", f"leave:{row.name}", f"{what}-all:{row.name}")
    return OpenNaming(row.name, (_only_host(row),), move)


def _editing(row: ModelRow) -> OpenModelForm | Ask:
    if len(row.able_on) > 1:
        return Ask(f"edit-model:{row.name}", f"leave:{row.name}", f"edit-model-all:{row.name}")
    return OpenModelForm(row.name, (_only_host(row),))


def _only_host(row: ModelRow) -> str:
    return row.able_on[0] if row.able_on else row.hosts[0] if row.hosts else ""


def keep_loaded_switch(row: ModelRow) -> Intent | None:
    """What the switch "Keep loaded" does; None where there is none, or where there are buttons instead."""
    if row.inert_reason or not row.can_load or len(row.hosts) > 1:
        return None
    return LoadModelRequested(row.name, _only_host(row), pinned=not row.pinned)
