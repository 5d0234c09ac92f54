"""What a registry's files say of a model besides how big they are."""

from __future__ import annotations

import msgspec


class CacheNeed(msgspec.Struct, frozen=True):
    """What the KV cache of a model takes at 16 bits, in bytes."""

    per_token: int
    """For each token, in the layers that see all of them."""
    sliding_per_token: int = 0
    """The same in those that see the last `window` tokens alone."""
    window: int = 0
    """Tokens that sliding layers keep, with those of one batch."""
    fixed: int = 0
    """However many tokens there are: the state of recurrent layers."""
    is_bound: bool = False
    """Whether it is the most it can be: some layers need less, and the file does not tell which."""

    def total(self, context_length: int) -> int:
        """For so many tokens."""
        sliding = self.sliding_per_token * min(context_length, self.window)
        return self.per_token * context_length + sliding + self.fixed


class ModelFacts(msgspec.Struct, frozen=True):
    """What was read of a model's configuration, licence, parameters and the head of its weights.

    The files are named by their digests, so for one manifest all this never changes. Texts are empty and numbers None
    where nothing was told.
    """

    family: str = ""
    """For example ``llama``."""
    parameter_size: str = ""
    """As the registry writes it, for example ``1.2B``."""
    quantization: str = ""
    """For example ``Q8_0``."""
    license: str = ""
    """The first line of the licence."""
    parameters: dict[str, str] = {}
    """What the model brings along, each as a person would write it; several values have commas between them."""
    requires: str = ""
    """The lowest version of Ollama that can run it (Ollama since 0.14)."""
    remote_host: str = ""
    """Where it runs, if that is not the host that installs it: then it is a stub (Ollama since 0.12)."""
    max_context_length: int | None = None
    """Tokens that it was made for."""
    cache: CacheNeed | None = None
    cache_reason: str = ""
    """Why `cache` is None, one sentence."""
    missing: str = ""
    """Why something of all this could not be read, one sentence; empty where everything was."""
