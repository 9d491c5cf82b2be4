"""What a component of Application Insights takes in a day, and under which plan.

Source: Microsoft, "Component Current Billing Features" (REST 2015-05-01), its example and descriptions.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.localazure.control import ALICE, CHAIN, INSIGHTS, Azure

FEATURES = f"{INSIGHTS}/currentbillingfeatures"
UNSET: dict[str, Any] = {
    "CurrentBillingFeatures": ["Basic"],
    "DataVolumeCap": {
        "Cap": 100.0,
        "ResetTime": 0,
        "StopSendNotificationWhenHitCap": False,
        "StopSendNotificationWhenHitThreshold": False,
        "WarningThreshold": 90,
        "MaxHistoryCap": 1000.0,
    },
}


def test_what_is_set_is_told_and_goes_with_the_component(azure: Azure) -> None:
    azure.make(*CHAIN)
    for api in ("2015-05-01", "2018-05-01-preview"):
        assert azure.arm("GET", FEATURES, api=api).body == UNSET
    asked: dict[str, Any] = {
        "CurrentBillingFeatures": ["Basic"],
        "DataVolumeCap": {"Cap": 0.5, "StopSendNotificationWhenHitCap": True},
    }
    expected = {**UNSET, "DataVolumeCap": {**UNSET["DataVolumeCap"], **asked["DataVolumeCap"]}}
    told = azure.arm("PUT", FEATURES, asked)
    assert (told.status, told.body) == (200, expected)
    assert azure.arm("PUT", FEATURES, told.body).body == expected  # what is told may be sent back
    assert azure.arm("GET", FEATURES).body == expected
    azure.arm("PUT", FEATURES, {"DataVolumeCap": {"WarningThreshold": 80}})
    assert azure.arm("GET", FEATURES).body["DataVolumeCap"] == {**expected["DataVolumeCap"], "WarningThreshold": 80}
    azure.arm("DELETE", INSIGHTS)
    azure.wait()
    gone = azure.arm("GET", FEATURES)
    assert (gone.status, gone.code) == (404, "ResourceNotFound")
    azure.make(INSIGHTS)
    assert azure.arm("GET", FEATURES).body == UNSET


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"DataVolumeCap": {"Cap": 1001}}, "BadRequest"),
        ({"DataVolumeCap": {"Cap": -1}}, "BadRequest"),
        ({"DataVolumeCap": {"ResetTime": 24}}, "BadRequest"),
        ({"DataVolumeCap": {"ResetTime": 1.5}}, "InvalidRequestContent"),
        ({"DataVolumeCap": {"Cap": "much"}}, "InvalidRequestContent"),
        ({"DataVolumeCap": {"Cup": 1}}, "InvalidRequestContent"),
        ({"DataVolumeCap": []}, "InvalidRequestContent"),
        ({"CurrentBillingFeatures": ["Gold"]}, "BadRequest"),
        ({"CurrentBillingFeatures": []}, "BadRequest"),
        ({"properties": {}}, "InvalidRequestContent"),
    ],
)
def test_what_is_refused(azure: Azure, body: Any, code: str) -> None:
    azure.make(*CHAIN)
    refused = azure.arm("PUT", FEATURES, body)
    assert (refused.status, refused.code) == (400, code)
    assert azure.arm("GET", FEATURES).body == UNSET


def test_a_lock_and_a_missing_right_stop_a_change(azure: Azure) -> None:
    azure.make(*CHAIN)
    azure.assign(ALICE, "Reader", INSIGHTS)
    assert azure.arm("GET", FEATURES, who=ALICE).body == UNSET
    assert azure.arm("PUT", FEATURES, {}, who=ALICE).code == "AuthorizationFailed"
    lock = f"{INSIGHTS}/providers/Microsoft.Authorization/locks/still"
    assert azure.arm("PUT", lock, {"properties": {"level": "ReadOnly"}}).status == 201
    assert azure.arm("PUT", FEATURES, {"DataVolumeCap": {"Cap": 1}}).code == "ScopeLocked"
    assert azure.arm("DELETE", FEATURES).status in (404, 405)
