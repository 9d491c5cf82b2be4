"""The table: every error that is known, a file for each family. Adding one is a record in its family's tuple.

The order counts where two fit one text: the particular stands before the general.
"""

from __future__ import annotations

from azmlflow.cli.why.record import Record
from azmlflow.cli.why.records import (
    access,
    computing,
    machine,
    networks,
    resources,
    serving,
    signing_in,
    storage,
    tracking,
)

# Family's heading -> its records.
FAMILIES: dict[str, tuple[Record, ...]] = {
    "Access": access.RECORDS,
    "Signing in": signing_in.RECORDS,
    "Networks": networks.RECORDS,
    "Storage": storage.RECORDS,
    "MLflow": tracking.RECORDS,
    "Jobs and computes": computing.RECORDS,
    "Web services": serving.RECORDS,
    "Making and removing resources": resources.RECORDS,
    "Pulumi and this machine": machine.RECORDS,
}
RECORDS: tuple[Record, ...] = tuple(record for family in FAMILIES.values() for record in family)
