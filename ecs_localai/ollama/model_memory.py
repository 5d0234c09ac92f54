"""What a model needs in memory, worked out from a manifest and from the metadata of its weights.

The sums are those of Ollama's ``fs/ggml/ggml.go``, ``GraphSize`` (0.13), for a KV cache at 16 bits. What Ollama needs
besides, to compute, is not in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ecs_localai.components.model_facts import CacheNeed

from .registry import Layer

__all__ = ["UnknownLayout", "cache_need", "max_context_length", "weights_size"]

_WEIGHTS = ("model", "projector", "adapter", "tensor", "draft")
"""The ends of the media types of what goes into memory; ``tensor`` and ``draft`` are of newer Ollamas."""
_BYTES = 2
_STATE_BYTES = 4
"""Of a number in the cache, and in the state of a recurrent layer."""
_BATCH = 512
"""Tokens that Ollama works on at a time (``num_batch``)."""
_WITHOUT_CACHE = frozenset({"bert", "nomic-bert", "nomic-bert-moe", "jina-bert-v2", "clip"})
_GLOBAL_EVERY = {"gemma3": 6, "gptoss": 2, "gpt-oss": 2}
"""Of so many layers the last one sees all tokens, the others those in the window."""
_MOST_LAYERS = 4096


class UnknownLayout(ValueError):
    """The metadata do not say what the cache takes. The message is one sentence."""


def weights_size(layers: Iterable[Layer]) -> int:
    """The bytes of all that is loaded: weights, projector, adapters. A file that is named twice counts once."""
    sizes = {layer.digest: layer.size for layer in layers if layer.media_type.rpartition(".")[2] in _WEIGHTS}
    return sum(sizes.values())


def max_context_length(metadata: Mapping[str, object]) -> int | None:
    """The tokens that the model was made for; None where that is not told."""
    return _number(metadata, f"{metadata.get('general.architecture')}.context_length")


def cache_need(metadata: Mapping[str, object]) -> CacheNeed:
    """What the KV cache takes, from a GGUF's metadata or the ``model_info`` of ``/api/show``.

    Raises UnknownLayout.
    """
    architecture = metadata.get("general.architecture")
    if not isinstance(architecture, str) or not architecture:
        raise UnknownLayout("The file does not say what kind of model it is, so its cache cannot be worked out.")
    if architecture in _WITHOUT_CACHE:
        return CacheNeed(0)
    layers = _number(metadata, f"{architecture}.block_count")
    if layers is None or not 0 < layers <= _MOST_LAYERS:
        raise _unknown(architecture)
    heads = _for_each_layer(metadata, f"{architecture}.attention.head_count", layers)
    if heads is None:
        raise _unknown(architecture)
    kv_heads = _for_each_layer(metadata, f"{architecture}.attention.head_count_kv", layers) or heads
    widths = _widths(metadata, architecture, heads)
    sees_all = _sees_all(metadata, architecture, layers)
    per_token = sliding = fixed = 0
    for layer, count in enumerate(kv_heads):
        if not count or not heads[layer] or _is_recurrent(metadata, architecture, layer):
            fixed += _state(metadata, architecture)
        elif sees_all is None or sees_all[layer]:
            per_token += count * widths * _BYTES
        else:
            sliding += count * widths * _BYTES
    window = _number(metadata, f"{architecture}.attention.sliding_window") or 0
    return CacheNeed(
        per_token,
        sliding,
        window + _BATCH if sliding else 0,
        fixed,
        is_bound=bool(window and sees_all is None) or f"{architecture}.attention.kv_lora_rank" in metadata,
    )


def _unknown(architecture: str) -> UnknownLayout:
    return UnknownLayout(f"How much cache a model of the architecture {architecture} takes is not known.")


def _widths(metadata: Mapping[str, object], architecture: str, heads: list[int]) -> int:
    """The numbers that one head of one layer keeps of a token: its key and its value."""
    key = _number(metadata, f"{architecture}.attention.key_length")
    value = _number(metadata, f"{architecture}.attention.value_length")
    if key is None or value is None:
        embedding = _number(metadata, f"{architecture}.embedding_length")
        fewest = min((count for count in heads if count), default=0)
        if embedding is None or not fewest:
            raise _unknown(architecture)
        key = embedding // fewest if key is None else key
        value = embedding // fewest if value is None else value
    return key + value


def _sees_all(metadata: Mapping[str, object], architecture: str, layers: int) -> list[bool] | None:
    """For each layer whether it sees all tokens; None where the file does not tell, and then all are counted so."""
    if not _number(metadata, f"{architecture}.attention.sliding_window"):
        return None
    slides = metadata.get(f"{architecture}.attention.sliding_window_pattern")
    if isinstance(slides, list) and len(slides) == layers and all(isinstance(one, bool) for one in slides):
        return [not one for one in slides]
    every = _GLOBAL_EVERY.get(architecture)
    return None if every is None else [(layer + 1) % every == 0 for layer in range(layers)]


def _is_recurrent(metadata: Mapping[str, object], architecture: str, layer: int) -> bool:
    """Whether a layer of a mixed model keeps a state instead of a cache (llama.cpp, ``full_attention_interval``)."""
    every = _number(metadata, f"{architecture}.full_attention_interval")
    return bool(every) and (layer + 1) % (every or 1) != 0


def _state(metadata: Mapping[str, object], architecture: str) -> int:
    """What a recurrent layer keeps, however long the text is; nothing for one that is no such layer either."""
    kernel, inner, state, groups = (
        _number(metadata, f"{architecture}.ssm.{key}") or 0
        for key in ("conv_kernel", "inner_size", "state_size", "group_count")
    )
    convolution = (kernel - 1) * (inner + 2 * groups * state) if kernel else 0
    return (convolution + state * inner) * _STATE_BYTES


def _for_each_layer(metadata: Mapping[str, object], key: str, layers: int) -> list[int] | None:
    """A number for each layer, from one for all or from a list; None where it is not told."""
    value = metadata.get(key)
    if isinstance(value, list):
        numbers = [int(one) for one in value if isinstance(one, int | float)]
        return numbers if len(numbers) == layers and min(numbers) >= 0 else None
    number = _number(metadata, key)
    return None if number is None else [number] * layers


def _number(metadata: Mapping[str, object], key: str) -> int | None:
    value = metadata.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < 2**53 else None
