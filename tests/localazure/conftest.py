"""What the tests of the control plane are given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.localazure.control import Azure


@pytest.fixture
def azure(tmp_path: Path) -> Iterator[Azure]:
    """An embedded Azure where nothing takes time."""
    found = Azure(tmp_path)
    yield found
    found.cloud.store.close()


@pytest.fixture
def slow_azure(tmp_path: Path) -> Iterator[Azure]:
    """An embedded Azure with Azure's times."""
    found = Azure(tmp_path, "azure")
    yield found
    found.cloud.store.close()
