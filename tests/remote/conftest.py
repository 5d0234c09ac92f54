"""The endpoint as a fixture."""

from __future__ import annotations

import pytest

from ecs_localai.testing import SteppedApp
from tests.remote.remote_parts import Remote, open_remote


@pytest.fixture
def remote(app: SteppedApp) -> Remote:
    """An app with an endpoint that listens, on a free port."""
    return open_remote(app)
