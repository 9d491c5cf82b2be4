"""Golden previews of the three profiles: each resource with what of it decides on its security.

`pytest tests/infra/test_profiles.py --renew` writes them anew: read the difference as a change of what people get.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from azmlflow.infra.plan.changes import at
from azmlflow.infra.rehearsal import Declared, rehearse
from azmlflow.infra.settings.profiles import PROFILES

DATA = Path(__file__).parent / "data"
_INNER = "properties.properties"
# Type's last word -> the properties that decide on its security.
TOLD: dict[str, tuple[str, ...]] = {
    "ResourceGroup": (),
    "StorageAccount": (
        "publicNetworkAccess", "networkRuleSet.defaultAction", "networkRuleSet.bypass", "allowSharedKeyAccess",
        "allowBlobPublicAccess", "allowCrossTenantReplication", "enableHttpsTrafficOnly", "minimumTlsVersion",
    ),
    "Vault": (
        "properties.publicNetworkAccess", "properties.networkAcls.defaultAction", "properties.networkAcls.bypass",
        "properties.enableRbacAuthorization", "properties.enablePurgeProtection", "properties.enableSoftDelete",
    ),
    "Component": ("ingestionMode",),
    "Registry": ("sku.name", "adminUserEnabled", "publicNetworkAccess", "networkRuleBypassOptions"),
    "Workspace": (
        "publicNetworkAccess", "managedNetwork.isolationMode", "systemDatastoresAuthMode", "identity.type",
        "v1LegacyMode", "imageBuildCompute",
    ),
    "Compute": (
        f"{_INNER}.enableNodePublicIp", f"{_INNER}.remoteLoginPortPublicAccess", "properties.disableLocalAuth",
        "identity.type", f"{_INNER}.scaleSettings.minNodeCount",
    ),
    "DiagnosticSetting": (),
    "ManagementLockByScope": ("level",),
    "RoleAssignment": ("principalType",),
}  # fmt: skip


def lines(declared: Declared) -> Iterator[str]:
    word = declared.type.rpartition(":")[2]
    yield f"{word} {declared.name}{'  (protected)' if declared.protected else ''}"
    for way in TOLD[word]:
        value: Any = at(declared.inputs, way)
        value = int(value) if isinstance(value, float) else value
        if value is not None:
            yield f"    {way.removeprefix(f'{_INNER}.').removeprefix('properties.')} = {value}"


def preview(profile: str) -> str:
    config = {f"azmlflow:{key}": value for key, value in PROFILES[profile].items()}
    found = rehearse(config, project="azmlflow", stack="dev", subscription="s", tenant="t")
    return "".join(
        f"{line}\n" for each in sorted(found, key=lambda each: (each.type, each.name)) for line in lines(each)
    )


@pytest.mark.parametrize("profile", PROFILES)
def test_what_a_profile_stands_up(profile: str, pytestconfig: pytest.Config) -> None:
    file, made = DATA / f"{profile}.txt", preview(profile)
    if pytestconfig.getoption("--renew"):
        file.write_text(made, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == made


def test_the_locked_down_one_is_closed() -> None:
    """By hand, whatever the golden file says."""
    told = preview("locked-down")
    for line in ("publicNetworkAccess = Enabled", "enableNodePublicIp = True", "adminUserEnabled = True", "AccessKey"):
        assert line not in told, line
    assert told.count("publicNetworkAccess = Disabled") == 4
    assert "isolationMode = AllowOnlyApprovedOutbound" in told
    assert "systemDatastoresAuthMode = Identity" in told
    assert "enablePurgeProtection = True" in told
    assert "allowSharedKeyAccess = False" in told


@pytest.mark.parametrize("profile", PROFILES)
def test_no_profile_keeps_nodes_up_that_nobody_uses(profile: str) -> None:
    assert "minNodeCount = 0" in preview(profile)
