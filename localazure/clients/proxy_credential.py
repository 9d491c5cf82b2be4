"""The credential that the proxy asks for, and the origin that it stands for.

    azmlflow             the embedded Azure's secret itself    the internet
    azmlflow.<origin>    what follows from both                where the name says, in base64url

Who has one of the second kind, as jobs have, can make no other: the secret stays out of it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from azmlflow.reach.records import INTERNET, InvalidOrigin, Origin

USER = "azmlflow"


def credential(secret: str, origin: Origin = INTERNET) -> tuple[str, str]:
    """User and password of whoever comes from an origin."""
    if origin == INTERNET:
        return USER, secret
    user = f"{USER}.{base64.urlsafe_b64encode(str(origin).encode()).decode().rstrip('=')}"
    return user, _password(secret, user)


def origin_of(secret: str, user: bytes, password: bytes) -> Origin | None:
    """The origin that a credential stands for; None if it is not one that was made here."""
    if user == USER.encode():
        return INTERNET if hmac.compare_digest(password, secret.encode()) else None
    name, _, written = user.partition(b".")
    made = _password(secret, user.decode("latin-1"))
    if name != USER.encode() or not hmac.compare_digest(password, made.encode()):
        return None
    try:
        return Origin.parse(base64.urlsafe_b64decode(written + b"=" * (-len(written) % 4)).decode())
    except (binascii.Error, UnicodeError, InvalidOrigin):
        return None


def _password(secret: str, user: str) -> str:
    return hmac.new(secret.encode(), user.encode("latin-1"), hashlib.sha256).hexdigest()
