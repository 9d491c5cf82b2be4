"""The modes that there are, in the order in which people are told of them, and a workspace that stands is taken to have
them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from azmlflow.infra.settings.network.modes.closed import CLOSED
from azmlflow.infra.settings.network.modes.managed import MANAGED
from azmlflow.infra.settings.network.modes.own import OWN
from azmlflow.infra.settings.network.modes.public import PUBLIC
from azmlflow.infra.settings.network.modes.public_ips import PUBLIC_IPS

MODES = {each.name: each for each in (PUBLIC, PUBLIC_IPS, MANAGED, OWN, CLOSED)}
WORDS = "; ".join(f"{each.name}: {each.words}" for each in MODES.values()) + "."
# What a text may be that names one.
if TYPE_CHECKING:
    Name = str
else:
    Name = Literal[tuple(MODES)]
