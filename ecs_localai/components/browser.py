"""The browser companion: who is connected, what it may read, and what it read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import ClassVar

import msgspec

from ecs_localai.components.secret_source import SecretSource
from ecs_localai.components.time_values import Timestamp


class BrowserKind(StrEnum):
    """A browser, without the name of an uncommon one."""

    CHROME = "Chrome"
    FIREFOX = "Firefox"
    SAFARI = "Safari"
    EDGE = "Edge"
    ARC = "Arc"
    OTHER = "Other"


class BrowserType(msgspec.Struct, frozen=True):
    """A browser: ``BrowserType.CHROME``, or ``BrowserType.other("Vivaldi")``.

    Raises `ValueError` for another one without a name and for a name where the kind says it already.
    """

    CHROME: ClassVar[BrowserType]
    FIREFOX: ClassVar[BrowserType]
    SAFARI: ClassVar[BrowserType]
    EDGE: ClassVar[BrowserType]
    ARC: ClassVar[BrowserType]

    kind: BrowserKind
    name: str | None = None

    def __post_init__(self) -> None:
        if self.kind is BrowserKind.OTHER:
            if not self.name or not self.name.strip():
                raise ValueError("Another browser needs a name.")
        elif self.name is not None:
            raise ValueError(f"{self.kind.value} needs no other name.")

    @classmethod
    def other(cls, name: str) -> BrowserType:
        """A browser that has no kind of its own here."""
        return cls(BrowserKind.OTHER, name)

    @property
    def display_name(self) -> str:
        """The name that people know it by."""
        return self.kind.value if self.name is None else self.name


BrowserType.CHROME = BrowserType(BrowserKind.CHROME)
BrowserType.FIREFOX = BrowserType(BrowserKind.FIREFOX)
BrowserType.SAFARI = BrowserType(BrowserKind.SAFARI)
BrowserType.EDGE = BrowserType(BrowserKind.EDGE)
BrowserType.ARC = BrowserType(BrowserKind.ARC)


class SupportedBrowser(msgspec.Struct, frozen=True):
    """A browser that the extension runs in."""

    browser_type: BrowserType
    minimum_version: str | None = None
    """The oldest version known to work; None when unknown."""


class ContentType(StrEnum):
    """What a page mainly is, as far as it can be told."""

    ARTICLE = "Article"
    WEB_PAGE = "WebPage"
    SOURCE_CODE = "SourceCode"
    DOCUMENT = "Document"
    MEDIA = "Media"
    UNKNOWN = "Unknown"


class RetentionKind(StrEnum):
    """How long context is kept, without the number."""

    SESSION_ONLY = "SessionOnly"
    HOURS = "Hours"
    DAYS = "Days"
    MANUAL = "Manual"


_LONGEST = {RetentionKind.HOURS: 24 * 36_500, RetentionKind.DAYS: 36_500}


class ContextRetentionPolicy(msgspec.Struct, frozen=True):
    """How long context is kept: ``SESSION_ONLY``, ``hours(3)``, ``days(7)`` or ``MANUAL`` (until cleared).

    Raises `ValueError` for a number below 1, one above a hundred years, or one where none belongs.
    """

    SESSION_ONLY: ClassVar[ContextRetentionPolicy]
    MANUAL: ClassVar[ContextRetentionPolicy]

    kind: RetentionKind
    amount: int | None = None
    """Hours or days, as `kind` says; None for the other kinds."""

    def __post_init__(self) -> None:
        longest = _LONGEST.get(self.kind)
        if longest is None:
            if self.amount is not None:
                raise ValueError(f"{self.kind.value} takes no number.")
        elif self.amount is None or not 1 <= self.amount <= longest:
            raise ValueError(
                f"{self.kind.value} takes a number from 1 to {longest}, not {self.amount}. "
                "To keep nothing, choose SessionOnly."
            )

    @classmethod
    def hours(cls, amount: int) -> ContextRetentionPolicy:
        """Cleared this many hours after it was read."""
        return cls(RetentionKind.HOURS, amount)

    @classmethod
    def days(cls, amount: int) -> ContextRetentionPolicy:
        """Cleared this many days after it was read."""
        return cls(RetentionKind.DAYS, amount)

    @property
    def lifetime(self) -> timedelta | None:
        """How long context lives; None where no clock decides."""
        if self.amount is None:
            return None
        hours = self.amount if self.kind is RetentionKind.HOURS else self.amount * 24
        return timedelta(hours=hours)


ContextRetentionPolicy.SESSION_ONLY = ContextRetentionPolicy(RetentionKind.SESSION_ONLY)
ContextRetentionPolicy.MANUAL = ContextRetentionPolicy(RetentionKind.MANUAL)


class TabContext(msgspec.Struct, frozen=True):
    """What was read from a tab, after the privacy rules were applied."""

    url: str
    title: str
    content_type: ContentType
    extracted_text: str
    metadata: dict[str, str]
    extraction_timestamp: Timestamp


@dataclass(slots=True)
class ExtensionConnectionStatus:
    """Whether any browser is connected, and what the companion can talk to."""

    is_connected: bool = False
    last_connection: Timestamp | None = None
    """When a browser last connected; None when none ever did."""
    connection_count: int = 0
    """Connections since the beginning."""
    supported_browsers: list[SupportedBrowser] = field(default_factory=list)
    """Empty until the companion's server runs."""
    protocol_version: str = ""
    """Empty until the companion's server runs."""


@dataclass(slots=True)
class BrowserConnection:
    """One connected browser. Raises `ValueError` for an empty id or a negative number of tabs."""

    browser_id: str
    browser_type: BrowserType
    tab_count: int
    connection_established: Timestamp
    last_activity: Timestamp
    active_tab_context: TabContext | None = None

    def __post_init__(self) -> None:
        if not self.browser_id:
            raise ValueError("A connected browser needs an id.")
        if self.tab_count < 0:
            raise ValueError(f"A browser cannot have {self.tab_count} tabs.")


class PairedBrowser(msgspec.Struct, frozen=True):
    """A browser that a person has allowed to talk to us. Raises `ValueError` for an empty id."""

    browser_id: str
    browser_type: BrowserType
    origin: str
    """The extension's origin, for example ``chrome-extension://…``: the key holds for it alone."""
    key: SecretSource
    """Where the key that both sides know is kept; never the key itself."""
    paired_at: Timestamp
    last_seen: Timestamp | None = None

    def __post_init__(self) -> None:
        if not self.browser_id:
            raise ValueError("A paired browser needs an id.")


@dataclass(slots=True)
class ContextExtractionConfig:
    """How text is taken from a page. Raises `ValueError` for senseless numbers."""

    enabled: bool = False
    main_text_only: bool = True
    """Leaves out menus, advertisements and the like, where the page's main text can be found."""
    include_metadata: bool = True
    timeout: timedelta = timedelta(seconds=5)
    """How long a browser may take to answer."""
    cache_lifetime: timedelta = timedelta(minutes=5)
    """How long the text of an unchanged tab is used again."""

    def __post_init__(self) -> None:
        if self.timeout <= timedelta(0):
            raise ValueError("The time a browser may take to answer must be longer than zero.")
        if self.cache_lifetime < timedelta(0):
            raise ValueError("The time for which text is used again must be zero or more.")


@dataclass(slots=True)
class ExtensionPrivacySettings:
    """What the extension may read and how long it is kept. The defaults let nothing through by themselves.

    Raises `ValueError` for a size below zero or an empty domain.
    """

    auto_extract_context: bool = False
    """Reads the active tab without being asked each time."""
    sensitive_content_filtering: bool = True
    """Replaces passwords, card numbers and the like before anything is kept."""
    content_type_whitelist: list[ContentType] = field(
        default_factory=lambda: [ContentType.ARTICLE, ContentType.WEB_PAGE, ContentType.SOURCE_CODE]
    )
    domain_whitelist: list[str] = field(default_factory=list)
    """The only domains that are read, with all below them; empty means none."""
    max_context_size: int = 64_000
    """Bytes of UTF-8 text; more is cut off."""
    retention_policy: ContextRetentionPolicy = ContextRetentionPolicy.SESSION_ONLY

    def __post_init__(self) -> None:
        if self.max_context_size < 0:
            raise ValueError(f"The largest context must be zero bytes or more, not {self.max_context_size}.")
        if any(not domain.strip() for domain in self.domain_whitelist):
            raise ValueError("A domain in the list is empty. Remove it: an empty list allows no domain.")


class ExtensionProtocol(msgspec.Struct, frozen=True):
    """The limits of the WebSocket protocol that the extension speaks. Raises `ValueError` for bad ones."""

    subprotocol: str = "ctx.v1"
    min_version: int = 1
    max_version: int = 1
    max_message_bytes: int = 1_048_576
    max_message_bytes_before_auth: int = 4_096
    auth_timeout: timedelta = timedelta(seconds=5)
    heartbeat: timedelta = timedelta(seconds=20)
    """How often a ping is due: browsers end a silent extension after 30 seconds."""
    silence_timeout: timedelta = timedelta(seconds=60)
    """After this long without a message a browser counts as gone."""

    def __post_init__(self) -> None:
        if not 1 <= self.min_version <= self.max_version:
            raise ValueError("The oldest protocol version must be at least 1 and at most the newest.")
        if not 1 <= self.max_message_bytes_before_auth <= self.max_message_bytes:
            raise ValueError("A message before authentication has at least one byte and is no larger than later.")
        if min(self.auth_timeout, self.heartbeat) <= timedelta(0) or self.heartbeat >= self.silence_timeout:
            raise ValueError("Times must be longer than zero, and the heartbeat shorter than the silence.")


@dataclass(slots=True)
class BrowserExtensionManager:
    """The resource of the browser companion."""

    connection_status: ExtensionConnectionStatus = field(default_factory=ExtensionConnectionStatus)
    active_connections: dict[str, BrowserConnection] = field(default_factory=dict)
    """By `BrowserConnection.browser_id`."""
    context_extraction: ContextExtractionConfig = field(default_factory=ContextExtractionConfig)
    privacy_settings: ExtensionPrivacySettings = field(default_factory=ExtensionPrivacySettings)
    communication_protocol: ExtensionProtocol = field(default_factory=ExtensionProtocol)
