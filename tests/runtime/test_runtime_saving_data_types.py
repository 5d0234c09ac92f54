"""Every data type of the panel comes back from a saved world, with whatever values it may have."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings

from ecs_localai.components.models import LocalModelManager
from ecs_localai.runtime.type_registry import TypeRegistry
from tests.components.component_strategies import data_types, instances


@pytest.mark.parametrize("kind", data_types(), ids=lambda kind: str(kind.__name__))
def test_a_value_comes_back_equal_and_of_its_type(kind: type) -> None:
    types = TypeRegistry()

    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(instances(kind))
    def comes_back(value: object) -> None:
        if isinstance(value, LocalModelManager):
            value.installation_queue.clear()  # installations at work are not saved
        text = json.dumps(types.to_builtins(value), allow_nan=False)
        back: object = types.from_builtins(kind, json.loads(text))
        assert type(back) is kind
        assert back == value
        assert json.dumps(types.to_builtins(back)) == text

    comes_back()
