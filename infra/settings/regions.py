"""Azure's public regions by their names in ARM, as a stack's `location` may be one of.

Source: Microsoft, "List of Azure regions" (https://learn.microsoft.com/azure/reliability/regions-list).
Sovereign clouds (US Government, China) are left out: Azure has other endpoints there.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from azmlflow.infra.settings.faults import nearest, refuse
from azmlflow.infra.settings.fields import Offered

REGIONS = (
    "australiacentral",
    "australiacentral2",
    "australiaeast",
    "australiasoutheast",
    "austriaeast",
    "belgiumcentral",
    "brazilsouth",
    "brazilsoutheast",
    "canadacentral",
    "canadaeast",
    "centralindia",
    "centralus",
    "chilecentral",
    "denmarkeast",
    "eastasia",
    "eastus",
    "eastus2",
    "francecentral",
    "francesouth",
    "germanynorth",
    "germanywestcentral",
    "indonesiacentral",
    "israelcentral",
    "italynorth",
    "japaneast",
    "japanwest",
    "jioindiacentral",
    "jioindiawest",
    "koreacentral",
    "koreasouth",
    "malaysiawest",
    "mexicocentral",
    "newzealandnorth",
    "northcentralus",
    "northeurope",
    "norwayeast",
    "norwaywest",
    "polandcentral",
    "qatarcentral",
    "southafricanorth",
    "southafricawest",
    "southcentralus",
    "southeastasia",
    "southindia",
    "spaincentral",
    "swedencentral",
    "swedensouth",
    "switzerlandnorth",
    "switzerlandwest",
    "uaecentral",
    "uaenorth",
    "uksouth",
    "ukwest",
    "westcentralus",
    "westeurope",
    "westindia",
    "westus",
    "westus2",
    "westus3",
)


def _region(value: str) -> str:
    if value in REGIONS:
        return value
    near = nearest(value, REGIONS)
    raise refuse(f"Azure has no region '{value}'{f'; did you mean {near}?' if near else ''}", near)


Location = Annotated[
    str,
    AfterValidator(_region),
    Offered("Azure region"),
    Field(
        description="Azure region of all resources.",
        examples=["westeurope"],
        json_schema_extra={"enum": list(REGIONS)},
    ),
]
