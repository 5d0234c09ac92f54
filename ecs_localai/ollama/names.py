"""Model names by Ollama's rules: ``[scheme://][host/][namespace/]model[:tag]``.

The rules are those of ``types/model/name.go`` (0.9.3). Ollama compares names without regard to case
and shows them in their shortest form, always with a tag.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from .errors import InvalidModelName

__all__ = [
    "DEFAULT_NAMESPACE",
    "DEFAULT_REGISTRY",
    "DEFAULT_TAG",
    "ModelName",
    "name_key",
    "parse_model_name",
    "parse_model_names",
]

DEFAULT_REGISTRY = "registry.ollama.ai"
DEFAULT_NAMESPACE = "library"
DEFAULT_TAG = "latest"
_HUGGING_FACE = {"hf.co", "huggingface.co"}
_PART_LIMIT = 80
_HOST_LIMIT = 350
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_NAMESPACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]*")
_BETWEEN_NAMES = re.compile(r"[\s,;]+")
_PASTED_COMMAND = re.compile(r"(?i)ollama\s+(?:run|pull|show|rm|cp|create)\s+(\S+)")


@dataclass(frozen=True, slots=True)
class ModelName:
    """A complete model name; spelled as it was given, compared by :attr:`key`."""

    host: str
    namespace: str
    model: str
    tag: str

    @property
    def short(self) -> str:
        """The form that ``/api/tags`` and ``/api/ps`` show: defaults left out, always with a tag."""
        name = f"{self.model}:{self.tag}"
        if self.host.lower() != DEFAULT_REGISTRY:
            return f"{self.host}/{self.namespace}/{name}"
        if self.namespace.lower() != DEFAULT_NAMESPACE:
            return f"{self.namespace}/{name}"
        return name

    @property
    def full(self) -> str:
        """All four parts: ``registry.ollama.ai/library/llama3.2:1b``."""
        return f"{self.host}/{self.namespace}/{self.model}:{self.tag}"

    @property
    def key(self) -> str:
        """What names are compared by: the full name, lower-cased."""
        return self.full.lower()

    def __str__(self) -> str:
        return self.short


def parse_model_name(text: str) -> ModelName:
    """Read a model name as Ollama does, filling in registry.ollama.ai, library and latest.

    A scheme in front is dropped (in Ollama it chooses nothing either: plain http is asked for by
    ``insecure``). Raises InvalidModelName with a sentence that says what is wrong.
    """
    cleaned = text.strip()
    if not cleaned:
        raise InvalidModelName("Type the name of a model, such as llama3.2:1b.")
    if pasted := _PASTED_COMMAND.match(cleaned):
        raise InvalidModelName(f"Write only the name of the model, without the command: {pasted[1]}.")
    if len(cleaned.split()) > 1:
        raise InvalidModelName(f"The model name {cleaned!r} has a space in it; a name has none, like llama3.2:1b.")
    if "@" in cleaned:
        raise InvalidModelName(
            f"Ollama takes no digests in names; leave out {cleaned[cleaned.index('@') :]!r} and use a tag."
        )
    return _checked(_without_scheme(cleaned))


def parse_model_names(text: str) -> list[ModelName]:
    """Read the names of one or more models, with spaces or commas between them; each model once, in their order.

    Raises InvalidModelName for the first that is none: with several names its sentence begins with which one it is.
    """
    pasted = _PASTED_COMMAND.match(text.strip())
    parts = [part for part in _BETWEEN_NAMES.split(text) if part]
    if len(parts) < 2 or pasted:
        return [parse_model_name(parts[0] if len(parts) == 1 else text)]
    names: dict[str, ModelName] = {}
    for part in parts:
        try:
            name = parse_model_name(part)
        except InvalidModelName as error:
            raise InvalidModelName(f"Nothing is installed, because of {part[:40]!r}: {error.message}") from error
        names.setdefault(name.key, name)
    return list(names.values())


@lru_cache(maxsize=1024)
def name_key(text: str) -> str:
    """What names are compared by. A host may list what is no name to us: that is equal only to itself."""
    try:
        return parse_model_name(text).key
    except InvalidModelName:
        return text


def _without_scheme(cleaned: str) -> str:
    scheme, separator, rest = cleaned.partition("://")
    if not separator:
        return cleaned
    if scheme.lower() not in {"http", "https"}:
        raise InvalidModelName(f"{scheme}:// is not for models; leave it out, or use https://.")
    if rest.count("/") < 2:
        host = rest.partition("/")[0] or "example.com"
        raise InvalidModelName(f"A name with a registry has three parts, like {host}/library/llama3.2:1b.")
    return rest


def _checked(rest: str) -> ModelName:
    tag = DEFAULT_TAG
    if rest.rfind(":") > rest.rfind("/"):
        rest, _, tag = rest.rpartition(":")
        _refuse_two_sources(rest, tag)
        _check("tag", tag, _PLAIN)
    parts = rest.split("/")
    if len(parts) > 3:
        raise InvalidModelName(
            f"The model name {rest!r} has {len(parts)} parts; it has three at most: registry/namespace/model."
        )
    model = parts[-1]
    namespace = parts[-2] if len(parts) > 1 else DEFAULT_NAMESPACE
    host = parts[0] if len(parts) == 3 else DEFAULT_REGISTRY
    if len(parts) == 2 and (":" in namespace or "." in namespace):
        owner = "USER" if namespace.lower() in _HUGGING_FACE else DEFAULT_NAMESPACE
        raise InvalidModelName(
            f"{namespace!r} looks like a registry, which needs a namespace after it: "
            f"use {namespace}/{owner}/{model or 'MODEL'}."
        )
    _check("model", model, _PLAIN)
    _check("namespace", namespace, _NAMESPACE)
    _check("registry", host, _HOST, _HOST_LIMIT)
    return ModelName(host, namespace, model, tag)


def _refuse_two_sources(rest: str, tag: str) -> None:
    earlier = rest.rpartition("/")[2].partition(":")[2].lower()
    sources = {"cloud", "local"}
    if tag.lower() in sources and (earlier in sources or earlier.endswith("-cloud")):
        raise InvalidModelName("A model runs either in the cloud or here; use only one of ':cloud' and ':local'.")


def _check(what: str, part: str, allowed: re.Pattern[str], limit: int = _PART_LIMIT) -> None:
    if not part:
        raise InvalidModelName(f"The {what} is missing from the model name; write it like llama3.2:1b.")
    if len(part) > limit:
        raise InvalidModelName(f"The {what} {part[:20] + '…'!r} has {len(part)} characters; {limit} is the most.")
    if allowed.fullmatch(part):
        return
    if part[0] in ".-:":
        raise InvalidModelName(
            f"The {what} {part!r} starts with {part[0]!r}; it has to start with a letter or a digit."
        )
    dots = "" if allowed is _NAMESPACE else " '.',"
    raise InvalidModelName(
        f"The {what} {part!r} has a character that is not allowed; use letters, digits,{dots} '-' and '_'."
    )
