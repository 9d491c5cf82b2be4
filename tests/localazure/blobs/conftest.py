"""What the tests of blobs are given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.localazure.blobs.world import Azure, make_azure


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the signing keys are kept: making one for each test would take most of the time."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
def azure(tmp_path: Path, keys: Path) -> Iterator[Azure]:
    """A blob service with one account and one container."""
    found = make_azure(tmp_path, keys)
    yield found
    found.cloud.store.close()
