"""Which tags a model has in its registry: those that the registry lists, else those of the known ones that it has.

Ollama's own registry lists none (issues 1080, 286): there tags that are known from elsewhere are asked for by HEAD.
No tag is made up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec import Struct

from .errors import InvalidModelName, PullFailed
from .names import DEFAULT_TAG, ModelName, parse_model_name

if TYPE_CHECKING:
    from .registry_look import RegistryLook

__all__ = ["TagNames", "tags_of"]


class TagNames(Struct, frozen=True):
    """The tags of one model."""

    tags: list[str]
    """In the order of the alphabet."""
    is_listed: bool
    """Whether these are all, as the registry lists them; else there may be more."""
    problem: str = ""
    """Why the registry could not be asked for some or all of them, one sentence."""


async def tags_of(look: RegistryLook, name: ModelName, known: Iterable[str]) -> TagNames:
    """Find a model's tags; `known` are names of models, of which those of the same model, and ``latest``, are tried.

    `look` has to be in use. Raises nothing: what went wrong is `TagNames.problem`.
    """
    problem = ""
    try:
        listed = await look.tags(name)
        if listed is not None:
            return TagNames(sorted(set(listed)), is_listed=True)
    except PullFailed as error:
        return TagNames([], is_listed=False, problem=error.message)
    candidates = [ModelName(name.host, name.namespace, name.model, tag) for tag in sorted(_tags(name, known))]
    found: list[str] = []
    for candidate, answer in zip(
        candidates, await asyncio.gather(*map(look.has, candidates), return_exceptions=True), strict=True
    ):
        if isinstance(answer, PullFailed):
            problem = problem or answer.message
        elif isinstance(answer, BaseException):
            raise answer
        elif answer:
            found.append(candidate.tag)
    return TagNames(found, is_listed=False, problem=problem)


def _tags(name: ModelName, known: Iterable[str]) -> set[str]:
    tags = {name.tag, DEFAULT_TAG}
    family = f"{name.host}/{name.namespace}/{name.model}".lower()
    for text in known:
        try:
            other = parse_model_name(text)
        except InvalidModelName:
            continue
        if f"{other.host}/{other.namespace}/{other.model}".lower() == family:
            tags.add(other.tag)
    return tags
