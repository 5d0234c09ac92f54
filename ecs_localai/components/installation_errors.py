"""Why an installation did not succeed."""

from __future__ import annotations

from enum import StrEnum


class InstallationErrorKind(StrEnum):
    """What went wrong, coarse enough to decide what to do next."""

    INVALID_NAME = "InvalidName"
    MODEL_NOT_FOUND = "ModelNotFound"
    HOST_UNREACHABLE = "HostUnreachable"
    REGISTRY_UNREACHABLE = "RegistryUnreachable"
    UNAUTHORIZED = "Unauthorized"
    NEEDS_NEWER_OLLAMA = "NeedsNewerOllama"
    DISK_FULL = "DiskFull"
    DIGEST_MISMATCH = "DigestMismatch"
    STALLED = "Stalled"
    CUT = "Cut"
    CANCELLED = "Cancelled"
    SERVER_ERROR = "ServerError"
    OTHER = "Other"

    @property
    def retryable(self) -> bool:
        """Whether trying again, with nothing changed, may succeed. A cancelled one waits to be asked."""
        return self in _RETRYABLE


_RETRYABLE = frozenset(
    {
        InstallationErrorKind.HOST_UNREACHABLE,
        InstallationErrorKind.REGISTRY_UNREACHABLE,
        InstallationErrorKind.DIGEST_MISMATCH,
        InstallationErrorKind.STALLED,
        InstallationErrorKind.CUT,
        InstallationErrorKind.SERVER_ERROR,
    }
)


class InstallationError(Exception):
    """An installation that failed: `message` is a sentence that tells a person what happened and what to do.

    Two are equal when their kinds and messages are.
    """

    def __init__(self, message: str, kind: InstallationErrorKind = InstallationErrorKind.OTHER) -> None:
        super().__init__(message, kind)
        self.message = message
        self.kind = kind

    @property
    def retryable(self) -> bool:
        """Whether trying again, with nothing changed, may succeed."""
        return self.kind.retryable

    def to_data(self) -> dict[str, object]:
        """What is written down of it."""
        return {"message": self.message, "kind": self.kind.value}

    @classmethod
    def from_data(cls, data: object) -> InstallationError:
        """The opposite of `to_data`. Raises `ValueError` for data that `to_data` does not make."""
        message = data.get("message") if isinstance(data, dict) else None
        if not isinstance(data, dict) or not isinstance(message, str):
            raise ValueError("A saved installation error must be an object with a message.")
        return cls(message, InstallationErrorKind(str(data.get("kind"))))

    def __str__(self) -> str:
        return self.message

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, InstallationError):
            return NotImplemented
        return (self.kind, self.message) == (other.kind, other.message)

    def __hash__(self) -> int:
        return hash((self.kind, self.message))
