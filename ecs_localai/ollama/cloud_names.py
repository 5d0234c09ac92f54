"""Names of models that run in Ollama's cloud: what is installed of one is a stub (Ollama since 0.12)."""

from __future__ import annotations

from .names import ModelName

__all__ = ["is_cloud_name"]


def is_cloud_name(name: ModelName) -> bool:
    """Whether the tag says so: ``cloud``, or one that ends in ``-cloud``."""
    tag = name.tag.lower()
    return tag == "cloud" or tag.endswith("-cloud")
