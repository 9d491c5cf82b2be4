"""Azure's access decision once more, as plainly as it can be written, to compare the evaluator with on whole tenants.

It shares nothing with `rbac.evaluate` but the facts: no index, no scopes module, patterns by regular expressions. It
knows what a large tenant of `benchmarks.tenant` holds: assignments with and without conditions, groups in groups,
wildcards, NotActions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from azmlflow.rbac.facts import Facts


@cache
def _pattern(text: str) -> re.Pattern[str]:
    # A wildcard between slashes also stands for no segment; any other for any text.
    escaped = re.escape(text).replace(r"/\*/", "(?:/.*)?/").replace(r"\*", ".*")
    return re.compile(escaped, re.IGNORECASE)


def truth(facts: Facts, scope: str, questions: Mapping[str, tuple[str, ...]]) -> dict[str, dict[str, str]]:
    """Everybody's verdict on every question, each of which needs all of its actions.

    Args:
        facts: the tenant.
        scope: where.
        questions: name -> actions.
    """
    people = {*facts.memberships, *(each.principal_id for each in facts.assignments)}
    people |= {group for held in facts.memberships.values() for group in held}
    roles = {role.id: role for role in facts.definitions}
    above = [each for each in facts.assignments if f"{scope}/".startswith(f"{each.scope}/")]

    @cache
    def allows(role: str, action: str) -> bool:
        return any(
            any(_pattern(one).fullmatch(action) for one in block.actions)
            and not any(_pattern(one).fullmatch(action) for one in block.not_actions)
            for block in roles[role].permissions
        )

    def verdict(who: str, actions: tuple[str, ...]) -> str:
        mine, ahead = {who}, [who]
        while ahead:
            new = set(facts.memberships.get(ahead.pop(), ())) - mine
            mine |= new
            ahead += new
        held = [each for each in above if each.principal_id in mine]
        said = []
        for action in actions:
            conditions = [bool(each.condition) for each in held if allows(each.role_definition_id, action)]
            said.append("refused" if not conditions else "unknown" if all(conditions) else "allowed")
        return min(said, key=["refused", "unknown", "allowed"].index)

    return {who: {name: verdict(who, actions) for name, actions in questions.items()} for who in people}
