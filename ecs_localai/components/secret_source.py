"""Where a secret is kept, so that what is saved can name the place instead of holding the secret."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class SecretPlace(StrEnum):
    """The kind of a place."""

    ENVIRONMENT = "environment"
    """An environment variable of our process."""
    FILE = "file"
    """The first line of a file."""
    KEYRING = "keyring"
    """The keyring of the system: Keychain, Credential Locker, Secret Service or KWallet."""


class SecretSource(msgspec.Struct, frozen=True):
    """A place that holds a secret. It is read when a connection is made, in the background.

    Raises `ValueError` for an empty name.
    """

    place: SecretPlace
    name: str
    """The variable's name, the file's path, or the entry's name in the keyring."""

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError(f"Say which {self.place.value} holds the secret: the name is empty.")
