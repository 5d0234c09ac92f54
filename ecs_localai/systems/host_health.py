"""What a probe's outcome means for a host: is it there, how fast does it answer, when is it asked again."""

from __future__ import annotations

import random
import statistics
from datetime import timedelta

from ecs_localai.components.hosts import RESPONSE_TIMES, HostHealthMonitor
from ecs_localai.components.time_values import utc_now
from ecs_localai.ollama.errors import ErrorKind, OllamaError
from ecs_localai.systems.host_probe import ProbeResult
from ecs_localai.systems.links import HostLink

FIRST_INTERVAL = 1.0
"""Seconds to the second probe of a host that has just appeared; each later interval is half as long again."""
LONGEST_INTERVAL = 10.0
"""Seconds between two probes of the default host once it has answered for a while. Its models are asked for more
often, and when that fails the next probe is due at once: so it is noticed as early as with more probes."""
LONGEST_INTERVAL_OF_OTHERS = 30.0
"""The same for a host that is not the default one: fifty of them cost no more than a few answers a second."""
FAILING_INTERVAL = 0.5
"""Seconds to the next probe after the first failure; doubled with each later one in a row."""
LONGEST_FAILING_INTERVAL = 2.0
LONGEST_FAILING_INTERVAL_OF_OTHERS = 15.0
LONGEST_RETRY_AFTER = 60.0
"""A host that asks us to wait (``Retry-After``) is asked no sooner, but after so many seconds at the latest."""
SHARES_OF_INTERVAL = (0.8, 0.95)
"""Chance chooses a share of each interval between these, so that many hosts are not asked all at once, and so that the
answer is there before the interval is over."""
FLAPPING_CHANGES = 6
"""A host that came or went so often within `FLAPPING_SECONDS` counts as there only after some answers in a row."""
FLAPPING_SECONDS = 60.0
ANSWERS_WHEN_FLAPPING = 3

_MAYBE = frozenset({ErrorKind.TIMED_OUT, ErrorKind.DISCONNECTED, ErrorKind.BAD_REPLY, ErrorKind.BUSY})
"""Failures that may be a moment's: one that was there is asked once more before it counts as gone."""


def take_in_probe(
    health: HostHealthMonitor, link: HostLink, outcome: ProbeResult | OllamaError, now: float, *, is_default: bool
) -> float:
    """Write a probe's outcome into the host's health; returns the seconds to the next probe.

    `now` is `Time.real_elapsed_seconds`.
    """
    was_healthy = health.is_healthy
    health.last_health_check = utc_now()
    if isinstance(outcome, OllamaError):
        interval = _failed(health, link, outcome, is_default=is_default)
    else:
        interval = _answered(health, link, outcome, now, is_default=is_default)
    if health.is_healthy != was_healthy:
        health.changed_at = health.last_health_check
        link.changes.append(now)
    health.is_flapping = len([at for at in link.changes if now - at <= FLAPPING_SECONDS]) >= FLAPPING_CHANGES
    link.interval = interval
    wait = interval * random.uniform(*SHARES_OF_INTERVAL)
    if isinstance(outcome, OllamaError) and outcome.retry_after is not None:
        wait = max(wait, min(outcome.retry_after, LONGEST_RETRY_AFTER))
    return wait


def _failed(health: HostHealthMonitor, link: HostLink, error: OllamaError, *, is_default: bool) -> float:
    health.error_count += 1
    health.consecutive_failures += 1
    link.answers_in_a_row = 0
    longest = LONGEST_FAILING_INTERVAL if is_default else LONGEST_FAILING_INTERVAL_OF_OTHERS
    interval = min(longest, FAILING_INTERVAL * 2.0 ** min(health.consecutive_failures - 1, 16))
    if health.is_healthy and error.kind in _MAYBE and health.consecutive_failures == 1:
        return 0.0
    health.is_healthy = False
    health.last_error = error.message
    health.last_error_kind = str(error.kind)
    health.answered_address = None
    health.uptime = timedelta(0)
    link.healthy_since = None
    return interval


def _answered(health: HostHealthMonitor, link: HostLink, result: ProbeResult, now: float, *, is_default: bool) -> float:
    times = health.response_times_ms
    times.append(result.response_time_ms)
    del times[:-RESPONSE_TIMES]
    health.response_time_ms = statistics.median(times)
    health.consecutive_failures = 0
    health.answered_address = result.answered_address
    link.answers_in_a_row += 1
    if not health.is_healthy and health.is_flapping and link.answers_in_a_row < ANSWERS_WHEN_FLAPPING:
        health.last_error = "It comes and goes; it counts as there after three answers in a row. Look into its log."
        return FAILING_INTERVAL
    appeared = not health.is_healthy
    health.is_healthy = True
    health.last_error = health.last_error_kind = None
    if link.healthy_since is None:
        link.healthy_since = now
    health.uptime = timedelta(seconds=now - link.healthy_since)
    if appeared:
        return FIRST_INTERVAL
    longest = LONGEST_INTERVAL if is_default else LONGEST_INTERVAL_OF_OTHERS
    return min(longest, max(FIRST_INTERVAL, link.interval * 1.5))
