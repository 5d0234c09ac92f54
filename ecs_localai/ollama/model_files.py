"""The local files that a model is to be made of, looked at before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from .errors import InvalidRequest
from .file_digest import FileState, state_of
from .gguf import GgufHead, NotGguf, read_gguf
from .gguf_merge import merged_spans
from .gguf_shards import shard_of, whole_sets
from .local_paths import local_path
from .model_folder import files_of_folder
from .spans import Span

__all__ = ["LocalFile", "LocalFiles", "look_at_files", "with_merged_parts"]


class LocalFile(Struct, frozen=True):
    """A local file, and what it is."""

    path: Path
    name: str
    """What it is called towards Ollama, which tells GGUF and safetensors, and parts, by the name."""
    state: FileState
    head: GgufHead | None
    """None for one that is not GGUF: of a folder of safetensors."""
    parts: list[tuple[Path, FileState]] = []
    """The files that it is put together from; empty for one that is a file itself."""
    spans: list[Span] = []
    """How it is put together from them."""

    @property
    def sources(self) -> list[tuple[Path, FileState]]:
        """The files that must not change while it is read."""
        return self.parts or [(self.path, self.state)]


class LocalFiles(Struct, frozen=True):
    """What a model is to be made of."""

    files: list[LocalFile]
    adapters: list[LocalFile]

    @property
    def all(self) -> list[LocalFile]:
        """Both."""
        return [*self.files, *self.adapters]

    @property
    def main(self) -> GgufHead | None:
        """The head of the file that is the model, not its projector; None for safetensors."""
        heads = [one.head for one in self.files if one.head is not None and not one.head.is_projector]
        return heads[0] if heads else None

    @property
    def is_split(self) -> bool:
        """Whether the model lies in several GGUF files."""
        return any(one.head is not None and one.head.split_count > 1 for one in self.files)


def with_merged_parts(local: LocalFiles) -> LocalFiles:
    """The same, with one file for the parts of a split model, for an Ollama that takes none. It reads the disk.

    Raises:
        NotGguf: the parts do not belong together, or have weights of an unknown type.
    """
    parts = [one for one in local.files if one.head is not None and one.head.split_count > 1]
    if not parts:
        return local
    parts.sort(key=_part_number)
    spans = merged_spans([one.path for one in parts])
    first = parts[0]
    state = FileState(sum(span.size for span in spans), first.state.modified_ns, first.state.inode)
    shard = shard_of(first.path)
    name = first.name if shard is None else _allowed(f"{shard.prefix}.gguf")
    merged = LocalFile(first.path, name, state, first.head, [(one.path, one.state) for one in parts], spans)
    return LocalFiles([merged, *(one for one in local.files if one not in parts)], local.adapters)


def _part_number(one: LocalFile) -> int:
    return 0 if one.head is None else one.head.split_number


def look_at_files(paths: Sequence[str], adapters: Sequence[str] = ()) -> LocalFiles:
    """Look at the files of a recipe: all parts of a split one, all of a folder. It reads the disk, for a while.

    Raises:
        NotGguf: one is none, is cut off or damaged, parts are missing, or they do not make up one model.
        InvalidRequest: one cannot be read.
    """
    files = _files(paths)
    _refuse_what_is_not_one_model(files)
    others = _files(adapters)
    for one in others:
        if one.head is None or not one.head.is_adapter:
            raise NotGguf(f"{one.path.name} is no adapter but a model of its own; name it with FROM, or leave it out.")
    return LocalFiles(files, others)


def _files(paths: Sequence[str]) -> list[LocalFile]:
    found: list[LocalFile] = []
    given = [local_path(path) for path in paths]
    folders = [path for path in given if path.is_dir()]
    for folder in folders:
        for name, path in files_of_folder(folder).items():
            found.append(_look(path, path.name) if name.endswith(".gguf") else _of_folder(path, name))
    found += [_look(path, path.name) for path in whole_sets([path for path in given if path not in folders])]
    if not found and paths:
        raise InvalidRequest("No file is named; name the GGUF file of a model.")
    return _with_names_of_their_own(found)


def _look(path: Path, name: str) -> LocalFile:
    state = state_of(path)
    head = read_gguf(path)
    allowed = _allowed(name)
    return LocalFile(path, allowed if allowed.endswith(".gguf") else f"{allowed}.gguf", state, head)


def _of_folder(path: Path, name: str) -> LocalFile:
    return LocalFile(path, _allowed(name), state_of(path), None)


def _allowed(name: str) -> str:
    r"""Ollama takes no ``\`` and no ``:`` in these names (0.35, ``validateCreateFilePath`` in ``server/create.go``)."""
    return name.replace("\\", "_").replace(":", "_")


def _with_names_of_their_own(files: list[LocalFile]) -> list[LocalFile]:
    """Two files of one name, from different folders, would be one to Ollama."""
    names: set[str] = set()
    kept = []
    for one in files:
        name, number = one.name, 1
        while name in names:
            number += 1
            name = f"{number}-{one.name}"
        names.add(name)
        kept.append(LocalFile(one.path, name, one.state, one.head))
    return kept


def _refuse_what_is_not_one_model(files: list[LocalFile]) -> None:
    heads = [(one.path.name, one.head) for one in files if one.head is not None]
    if not heads:
        return
    if len(heads) < len(files):
        raise NotGguf("GGUF and safetensors files do not go together; give one or the other.")
    adapter = next((name for name, head in heads if head.is_adapter), "")
    if adapter:
        raise NotGguf(f"{adapter} is an adapter, which changes another model; name that with FROM in a Modelfile.")
    models = [(name, head) for name, head in heads if not head.is_projector]
    if not models:
        raise NotGguf(f"{heads[0][0]} is only the part of a model that sees; give the model's own file, too.")
    (first, head), others = models[0], models[1:]
    if head.split_count > 1 or any(other.split_count > 1 for _, other in others):
        _refuse_wrong_parts(models)
    elif others:
        raise NotGguf(f"{first} and {others[0][0]} are two models; import one after the other.")
    if len(heads) - len(models) > 1:
        raise NotGguf("These are several projectors, and a model takes one; give one of them.")


def _refuse_wrong_parts(models: list[tuple[str, GgufHead]]) -> None:
    """Parts that were renamed, mixed up or are of different models."""
    count = max(head.split_count for _, head in models)
    numbers = [head.split_number for _, head in models if head.split_count == count]
    if len(numbers) < len(models) or sorted(numbers) != list(range(count)):
        name = models[0][0]
        raise NotGguf(
            f"{name} is one of {count} parts, and the others given are not all the rest; name the parts as they were "
            f"published, like model-00001-of-{count:05}.gguf."
        )
