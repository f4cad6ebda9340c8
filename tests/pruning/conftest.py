"""Fixtures of several test modules."""

from __future__ import annotations

import shutil

import pytest

from tests.tiny_models import save_tiny


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    """The folder of a tiny model, which no test may change."""
    return save_tiny("llama", tmp_path_factory.mktemp("source") / "model")


@pytest.fixture
def folder(source, tmp_path):
    """A copy of that folder."""
    return shutil.copytree(source, tmp_path / "model")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The folder of the models of a test module."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def dense(models):
    """The folder of a tiny Llama."""
    return save_tiny("llama", models / "dense")
