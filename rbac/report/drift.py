"""Drift: the access that there is, beside the grants that are declared.

Five sorts: `missing`, a declared grant that Azure does not hold, or holds in part; `expired`, one that has ended and
is still held; `undeclared`, access of somebody who is granted nothing; `wider`, more than somebody's grants say, in
operations or in scope; `orphaned`, an assignment of a principal that is deleted. What counts as access is a `Subject`:
what opens an operation of `access.COLUMNS`, or, where datastores are opened as the caller, what opens the data in the
workspace's storage account.

Access that a stack could not declare is told apart and is not drift: what comes from above its resource group to those
whom it grants nothing, and what Azure itself gives to the workspace's own identity.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from azmlflow.rbac.facts import Facts
from azmlflow.rbac.index import role_guid
from azmlflow.rbac.report.access import WhoIsWho
from azmlflow.rbac.report.differences import Declared, Drift, Finding, Sort
from azmlflow.rbac.report.judging import Judge
from azmlflow.rbac.report.subjects import MLFLOW, Subject


def find_drift(
    facts: Facts,
    scope: str,
    group: str,
    declared: Iterable[Declared],
    directory: WhoIsWho,
    *,
    own: frozenset[str] = frozenset(),
    subject: Subject = MLFLOW,
) -> Drift:
    """Compare.

    Args:
        facts: what there is.
        scope: id of the workspace, or of its storage account.
        group: id of its resource group.
        declared: what there should be.
        directory: who is who.
        own: object ids (lower case) of the workspace's own identities.
        subject: what counts as access.
    """
    names = {role_guid(each.id): each.name for each in facts.definitions}
    places = frozenset(place for place, _ in facts.index.places(scope))
    seen = Judge(facts, scope, places, group, tuple(declared), directory, own, names, subject)
    findings = [finding for each in seen.declared if not each.ended for finding in seen.missing(each)]
    outside: list[str] = []
    for assignment in facts.assignments:
        found = seen.judge(assignment)
        if isinstance(found, Finding):
            findings.append(found)
        elif found is not None:
            outside.append(found)
    findings.sort(key=_order)
    unchecked = []
    if not directory.readable:
        unchecked.append(
            "whether principals are deleted: needs User.Read.All, GroupMember.Read.All, Application.Read.All"
        )
    return Drift(tuple(findings), tuple(sorted(outside)), tuple(unchecked))


def merged(found: Iterable[Drift]) -> Drift:
    """Several comparisons as one; what more than one of them tells, such as an orphan at the group, is told once."""
    every = tuple(found)
    return Drift(
        tuple(sorted(dict.fromkeys(each for drift in every for each in drift.findings), key=_order)),
        tuple(sorted({each for drift in every for each in drift.outside})),
        tuple(dict.fromkeys(each for drift in every for each in drift.unchecked)),
    )


def _order(finding: Finding) -> tuple[int, str, str, str]:
    return get_args(Sort).index(finding.sort), finding.name.lower(), finding.assignment or "", finding.what
