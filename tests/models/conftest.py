"""Fixtures of the tests of several model classes."""

from __future__ import annotations

import pytest

from tests.models.vllm_stand_in import load


@pytest.fixture(scope="module")
def vllm_class():
    pruned_vllm, unload = load()
    yield pruned_vllm
    unload()
