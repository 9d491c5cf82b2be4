"""Microsoft.Consumption/budgets: what a scope may cost, and who is told when it comes near.

Source: Microsoft, "Budgets" (REST 2024-08-01), "Tutorial: Create and manage budgets". What is spent is always 0 here:
the embedded Azure costs nothing. Errors of this provider have the HTTP status as their code.

Azure's words for a start in the past and a start that moves: terraform-provider-azurerm issue 12121 and
canada-ca/CanadaPubSecALZ issue 317. Inferred: the words of the other refusals, and that a budget goes with its scope.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from azmlflow.localazure.core.collections import BUDGETS
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.extensions import gone_with_scope, on_scope
from azmlflow.localazure.resources.fields import choice, pick, wrong_type
from azmlflow.localazure.resources.kind import Documents, Kind, Lifecycle, NameRule, Placement
from azmlflow.localazure.resources.paths import Target
from azmlflow.localazure.resources.verbs import Verb, Verbs
from azmlflow.resourcetypes.bounds import NAMES

_TYPE = "Microsoft.Consumption/budgets"
_CODE = "400"
_GRAINS = ("Monthly", "Quarterly", "Annually", "BillingMonth", "BillingQuarter", "BillingAnnual")
_OPERATORS = ("EqualTo", "GreaterThan", "GreaterThanOrEqualTo")
_MOST_NOTIFICATIONS, _MOST_MAILS = 5, 50
_YEARS = 10  # how long a budget lasts that names no end


def _check(ask: Ask, existing: Document | None) -> None:
    """Whoever says which state it changes changes that one (REST, `eTag`; that it is a 412 is inferred)."""
    told = ask.body.get("eTag")
    if existing is not None and told and told != existing["eTag"]:
        raise AzureError(412, "412", "The budget has been changed meanwhile: its eTag is another.", target="eTag")


def _shape(ask: Ask, existing: Document | None) -> Document:
    given = pick(ask.properties, {"category": "", "timeGrain": "", "notifications": {}}, ("amount", "filter"))
    given["category"] = choice("category", given["category"], ("Cost",), _CODE)
    given["timeGrain"] = choice("timeGrain", given["timeGrain"], _GRAINS, _CODE)
    amount = given.get("amount")
    if isinstance(amount, bool) or not isinstance(amount, int | float) or amount <= 0:
        raise bad_request(_CODE, f"Amount must be a number above 0; it is {amount!r}.", target="amount")
    if len(given["notifications"]) > _MOST_NOTIFICATIONS:
        raise bad_request(_CODE, f"A budget can have at most {_MOST_NOTIFICATIONS} notifications.")
    given["notifications"] = {name: _notification(name, each) for name, each in given["notifications"].items()}
    spent = {"amount": 0.0, "unit": "USD"}
    properties = {**given, "timePeriod": _period(ask, existing), "currentSpend": spent, "forecastSpend": spent}
    return {"eTag": (existing or {}).get("eTag"), "properties": properties}


def _notification(name: str, given: Any) -> Document:
    if not isinstance(given, dict):
        raise wrong_type(f"notifications.{name}", given, "object")
    plain: Document = {"operator": "", "contactEmails": [], "thresholdType": "Actual"}
    found = pick(given, plain, ("enabled", "threshold", "contactRoles", "contactGroups", "locale"))
    if not isinstance(found.get("enabled"), bool):
        raise bad_request(_CODE, f"A notification says whether it is enabled; '{name}' does not.", target="enabled")
    found["operator"] = choice("operator", found["operator"], _OPERATORS, _CODE)
    found["thresholdType"] = choice("thresholdType", found["thresholdType"], ("Actual", "Forecasted"), _CODE)
    threshold = found.get("threshold")
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 < threshold <= 1000:
        raise bad_request(_CODE, f"Threshold must be a number above 0 and at most 1000; it is {threshold!r}.")
    mails = found["contactEmails"]
    if len(mails) > _MOST_MAILS or not all(isinstance(each, str) and "@" in each for each in mails):
        raise bad_request(_CODE, f"contactEmails must be at most {_MOST_MAILS} addresses; they are {mails!r}.")
    if not mails and not found.get("contactRoles") and not found.get("contactGroups"):
        raise bad_request(_CODE, "A notification needs contactEmails, contactRoles or contactGroups.")
    return found


def _period(ask: Ask, existing: Document | None) -> Document:
    """From the first of a month that is not over yet, for ten years unless it says until when."""
    period = ask.properties.get("timePeriod")
    period = period if isinstance(period, Mapping) else {}
    start = _day("startDate", period.get("startDate"))
    now = ask.cloud.clock.now()
    if existing is not None:
        if start != _day("startDate", existing["properties"]["timePeriod"]["startDate"]):
            raise bad_request(_CODE, "Start date of budgets cannot be updated. Please delete and create a new budget.")
    elif start.day != 1 or start < datetime(now.year, now.month, 1, tzinfo=UTC):
        raise bad_request(
            _CODE, "Start date for monthly budgets should be first of the month and should not be in the past."
        )
    end = _day("endDate", period["endDate"]) if period.get("endDate") else start.replace(year=start.year + _YEARS)
    if end <= start:
        raise bad_request(_CODE, "End date should be after the start date.")
    return {"startDate": f"{start:%Y-%m-%d}T00:00:00Z", "endDate": f"{end:%Y-%m-%d}T00:00:00Z"}


def _day(name: str, given: Any) -> datetime:
    try:
        found = datetime.fromisoformat(str(given))
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise bad_request(_CODE, f"{name} must be a date such as 2027-01-01T00:00:00Z; it is {given!r}.") from None


def _touch(ask: Ask, document: Document) -> None:
    document["eTag"] = f'"{ask.cloud.ids.guid()}"'


def _missing(target: Target) -> AzureError:
    return AzureError(404, "404", f"Budget {target.name} was not found.")


BUDGET = Kind(
    type=_TYPE,
    name=NameRule(
        NAMES[_TYPE],
        _CODE,
        "The budget's name '{name}' is not valid: 1 to 63 letters, digits, '-' or '_'.",
    ),
    shape=_shape,
    placement=Placement("extension", lockable=False),
    documents=Documents(collection=BUDGETS, missing=_missing),
    has_provisioning_state=False,
    verbs=Verbs(listed=on_scope(BUDGETS), put=Verb(201), patch=False),
    lifecycle=Lifecycle(before_write=_check, on_write=_touch, on_scope_delete=gone_with_scope(BUDGETS)),
)
