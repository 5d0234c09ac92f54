"""What hosts are called in sentences: by their names where there are several, and not at all where there is one."""

from __future__ import annotations

from collections.abc import Sequence

from ecs_localai.systems.saved_hosts import SavedHost


def labels_of(hosts: Sequence[SavedHost]) -> dict[str, str]:
    """What hosts are called where that has to be said, by base URL: empty where there is only one."""
    return {host.config.base_url: host.name if len(hosts) > 1 else "" for host in hosts}


def named(model: str, label: str) -> str:
    """``llama3.2:1b on gpu``, or the model alone where there is one host."""
    return f"{model} on {label}" if label else model


def about(model: str, label: str, sentence: str) -> str:
    """The sentence, and before it which model on which host it is about, as far as it does not name the model."""
    if model not in sentence:
        return f"{named(model, label)}: {sentence}"
    return f"{label}: {sentence}" if label else sentence
