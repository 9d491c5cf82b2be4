"""When a compute instance starts and stops: at most four schedules, by cron or recurrence.

Source: Microsoft, "Create an Azure Machine Learning compute instance", "Schedule automatic start and stop". Inferred:
the words of the refusals.
"""

from __future__ import annotations

from typing import Any

from azmlflow.localazure.core.errors import bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import choice, whole_number, wrong_type
from azmlflow.resourcetypes.bounds import LONGEST_INTERVAL, MOST_SCHEDULES, is_cron
from azmlflow.resourcetypes.time_zones import TIME_ZONES

_CODE = "BadRequest"
_FREQUENCIES = ("Minute", "Hour", "Day", "Week", "Month")
_TIMES = {"hours": 23, "minutes": 59}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def shape(ask: Ask, given: Any, before: Document | None) -> Document:
    """Schedules as they are kept, each with its id; one that was there keeps it.

    Raises:
        AzureError: 400, they are none, too many, or one is not such as Azure takes.
    """
    if not isinstance(given, dict):
        raise wrong_type("schedules", given, "object")
    wanted = given.get("computeStartStop") or []
    if not isinstance(wanted, list):
        raise wrong_type("schedules.computeStartStop", wanted, "array")
    if len(wanted) > MOST_SCHEDULES:
        raise bad_request(
            _CODE,
            f"A compute instance can have at most {MOST_SCHEDULES} schedules; the request has {len(wanted)}.",
            target="schedules",
        )
    were = (before or {}).get("computeStartStop") or []
    made: list[Document] = []
    for each in wanted:
        said = _schedule(each)
        known = next((one["id"] for one in were if {**one, **said} == one), None)
        made.append({**said, "id": known or ask.cloud.ids.guid(), "provisioningStatus": "Completed"})
    return {**given, "computeStartStop": made}


def _schedule(given: Any) -> Document:
    if not isinstance(given, dict):
        raise wrong_type("schedules.computeStartStop", given, "object")
    trigger = choice("triggerType", given.get("triggerType"), ("Cron", "Recurrence"), _CODE)
    found: Document = {
        **{name: value for name, value in given.items() if name not in ("id", "provisioningStatus")},
        "action": choice("action", given.get("action"), ("Start", "Stop"), _CODE),
        "status": choice("status", given.get("status") or "Enabled", ("Enabled", "Disabled"), _CODE),
        "triggerType": trigger,
    }
    name = trigger.lower()
    when = given.get(name)
    if not isinstance(when, dict):
        raise bad_request(_CODE, f"A schedule of the trigger type '{trigger}' needs '{name}'.", target=name)
    found[name] = {**when, "timeZone": _zone(when.get("timeZone") or "UTC")}
    if trigger == "Cron":
        expression = when.get("expression")
        if not isinstance(expression, str) or not is_cron(expression):
            raise bad_request(_CODE, f"The cron expression '{expression}' is not valid.", target="cron.expression")
    else:
        found[name]["frequency"] = choice("frequency", when.get("frequency"), _FREQUENCIES, _CODE)
        found[name]["interval"] = whole_number("interval", when.get("interval"), 1, LONGEST_INTERVAL, _CODE)
        found[name]["schedule"] = _times(when.get("schedule"))
    return found


def _times(given: Any) -> Document:
    """At which times of the day, and on which days; azure-ai-ml sends both lists empty where none were said."""
    if not isinstance(given, dict):
        raise bad_request(_CODE, "A recurrence needs 'schedule', with 'hours' and 'minutes'.", target="schedule")
    for name, most in _TIMES.items():
        times = given.get(name)
        if not isinstance(times, list):
            raise wrong_type(f"schedule.{name}", times, "array")
        for each in times:
            whole_number(f"schedule.{name}", each, 0, most, _CODE)
    days = given.get("weekDays") or []
    if not isinstance(days, list):
        raise wrong_type("schedule.weekDays", days, "array")
    return {**given, "weekDays": [choice("weekDays", each, _DAYS, _CODE) for each in days]} if days else given


def _zone(name: Any) -> str:
    for zone in TIME_ZONES:
        if isinstance(name, str) and zone.lower() == name.lower():
            return zone
    raise bad_request(_CODE, f"The time zone '{name}' is not one that Azure knows.", target="timeZone")
