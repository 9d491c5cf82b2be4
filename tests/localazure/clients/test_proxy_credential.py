"""What the proxy's credentials stand for, and that nobody makes another of the one that they have."""

from __future__ import annotations

import base64

import pytest

from azmlflow.localazure.clients.proxy_credential import credential, origin_of
from azmlflow.reach.records import INTERNET, Origin

SECRET = "5" * 64
NETWORK = Origin("network", "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v")
COMPUTE = Origin("managed", "/subscriptions/s/resourceGroups/g/providers/p/workspaces/w")


def _read(user: str, password: str) -> Origin | None:
    return origin_of(SECRET, user.encode(), password.encode())


@pytest.mark.parametrize("origin", [INTERNET, Origin("internet", "198.51.100.7"), NETWORK, COMPUTE])
def test_a_credential_stands_for_its_origin(origin: Origin) -> None:
    user, password = credential(SECRET, origin)
    assert _read(user, password) == origin
    assert _read(user, password[:-1] + ("0" if password[-1] != "0" else "1")) is None


def test_a_credential_is_good_for_no_other_origin() -> None:
    """A job may change the name that it was given; the password of another does not follow from its own."""
    _, password = credential(SECRET, COMPUTE)
    assert SECRET not in password
    for origin in (INTERNET, NETWORK):
        assert _read(credential(SECRET, origin)[0], password) is None
        assert origin_of(password, *(each.encode() for each in credential(SECRET, origin))) is None


def test_what_is_no_origin_is_nobodys() -> None:
    user = f"azmlflow.{base64.urlsafe_b64encode(b'network:vnet').decode().rstrip('=')}"
    from azmlflow.localazure.clients import proxy_credential

    assert _read(user, proxy_credential._password(SECRET, user)) is None
    assert _read("somebody", SECRET) is None
    assert _read("", "") is None
