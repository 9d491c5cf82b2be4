"""The whole matrix of access of a large tenant: seconds of one core, and memory, at 1k, 2k, 4k and 8k assignments.

The tenant: 500 role definitions, 1,000 users in 100 groups that hold each other five deep, assignments spread over the
subscription, its groups and the workspace, one in a hundred under a condition. Everything follows from a fixed seed.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
import tracemalloc

from azmlflow.rbac.access import COLUMNS, Directory, matrix
from azmlflow.rbac.evaluate import Facts, PermissionBlock, RoleAssignment, RoleDefinition
from azmlflow.rbac.operations import WORKSPACE
from azmlflow.rbac.roles import BUILT_IN_ROLES, PERSONAS

SIZES = (1000, 2000, 4000, 8000)
DEFINITIONS, USERS, GROUPS = 500, 1000, 100
SUBSCRIPTION = "/subscriptions/10ca1000-0000-4000-8000-000000000002"
BOUND = 1.0  # seconds, at 4,000 assignments


def tenant(assignments: int) -> tuple[Facts, str]:
    """A tenant with that many assignments, and the workspace that is asked about."""
    chance = random.Random(7)
    scope = f"{SUBSCRIPTION}/resourceGroups/rg-0/providers/{WORKSPACE}/mlw-0"
    places = [SUBSCRIPTION, scope, *(f"{SUBSCRIPTION}/resourceGroups/rg-{number}" for number in range(20))]
    users = [f"{number:08x}-0000-4000-8000-00000000000a" for number in range(USERS)]
    groups = [f"{number:08x}-0000-4000-8000-00000000000b" for number in range(GROUPS)]
    memberships: dict[str, list[str]] = {user: chance.sample(groups, 2) for user in users}
    memberships |= {group: [groups[number // 3]] for number, group in enumerate(groups) if number}
    roles = _roles()
    held = [
        RoleAssignment(
            f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments/{number:08x}",
            chance.choice(users) if chance.random() < 0.8 else chance.choice(groups),
            chance.choice(roles).id,
            chance.choice(places),
            "@Resource[x] StringEquals 'y'" if number % 100 == 0 else None,
        )
        for number in range(assignments)
    ]
    return Facts(held, roles, memberships=memberships, management_groups={SUBSCRIPTION: ()}), scope


def _roles() -> list[RoleDefinition]:
    """The built-in roles and personas, then roles with wildcards and exclusions, as many as a tenant may well have."""
    known = [role.permissions for role in BUILT_IN_ROLES] + [each.permissions for each in PERSONAS]
    made = [
        (
            PermissionBlock(
                (f"Microsoft.Service{number}/*/read", f"Microsoft.Service{number}/things/write", f"{WORKSPACE}/*/read"),
                (f"{WORKSPACE}/computes/*",),
            ),
        )
        for number in range(DEFINITIONS - len(known))
    ]
    return [
        RoleDefinition(f"{number:08x}-0000-4000-8000-00000000000c", f"Role {number}", permissions)
        for number, permissions in enumerate([*known, *made])
    ]


def seconds(assignments: int) -> float:
    """Seconds of one core for the whole matrix, its index included."""
    facts, scope = tenant(assignments)
    gc.collect()
    before = time.process_time()
    matrix(facts, scope, Directory({}, readable=False))
    return time.process_time() - before


def memory(assignments: int) -> tuple[int, int]:
    """Bytes that the index and the matrix take: at their most, and in the end."""
    facts, scope = tenant(assignments)
    tracemalloc.start()
    table = matrix(facts, scope, Directory({}, readable=False))
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert table.rows
    return most, held


def report() -> str:
    """One line a size: the least and the median of five runs, per assignment, and memory."""
    lines = [f"matrix of {USERS + GROUPS} principals x {len(COLUMNS)} operations, {DEFINITIONS} definitions:"]
    for size in SIZES:
        times = sorted(seconds(size) for _ in range(5))
        most, held = memory(size)
        wanted = f"; wanted: under {BOUND} s" if size == 4000 else ""
        lines.append(
            f"  {size:>5} assignments: {times[0]:.3f} s (median {statistics.median(times):.3f}), "
            f"{times[0] / size * 1e6:.0f} us each, {most / 2**20:.0f} MB at most, {held / 2**20:.0f} MB kept{wanted}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(report())
