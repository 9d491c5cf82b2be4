"""What the tests of the control plane are given."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from cryptography.hazmat.primitives import serialization

from azmlflow.localazure.principals import tokens
from tests.localazure.control import Azure


@pytest.fixture(scope="session", autouse=True)
def one_signing_key() -> Iterator[None]:
    """New states share a key, read once: OpenSSL takes longer to find and to prove one than most tests take."""
    read = functools.cache(serialization.load_pem_private_key)
    with (
        mock.patch.object(tokens, "_new_signing_key", functools.cache(tokens._new_signing_key)),
        mock.patch.object(serialization, "load_pem_private_key", read),
    ):
        yield


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
