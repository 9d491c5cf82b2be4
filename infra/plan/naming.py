"""Azure's name rules, and names that satisfy them. Pure: nothing is asked of Azure.

The grammar of a generated name:

    readable (unique in the subscription or the group)   <kind>-<prefix>-<stack>[-<tag>]
    global   (unique in all of Azure)                    <kind><prefix><stack><digest>

The digest hashes (subscription, prefix, stack, salt), so that the same settings give the same names on every
machine and another subscription or salt gives others. A readable name carries a piece of the digest, the tag,
when a salt is set or when the stack's name had to be changed or cut: two stacks never share a group by accident.

The rules themselves, with their sources, are in `resourcetypes.bounds`; here they get words for people.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from azmlflow.resourcetypes.bounds import NAMES


@dataclass(frozen=True)
class NameRule:
    """Azure's rule for the names of one kind.

    Attributes:
        kind: the kind, in the words of the settings' keys.
        pattern: what the whole name must match.
        shortest: fewest characters.
        longest: most characters.
        words: the rule for people.
    """

    kind: str
    pattern: str
    shortest: int
    longest: int
    words: str


RULES = (
    NameRule(
        "resourceGroup",
        NAMES["Microsoft.Resources/resourceGroups"],
        1,
        90,
        "1-90 letters, digits, '-', '_', '.', '(' or ')', not ending in '.'",
    ),
    NameRule(
        "workspace",
        NAMES["Microsoft.MachineLearningServices/workspaces"],
        3,
        33,
        "3-33 letters, digits, '-' or '_', starting with a letter or digit",
    ),
    NameRule(
        "storageAccount",
        NAMES["Microsoft.Storage/storageAccounts"],
        3,
        24,
        "3-24 lower-case letters and digits",
    ),
    NameRule(
        "keyVault",
        NAMES["Microsoft.KeyVault/vaults"],
        3,
        24,
        "3-24 letters, digits and single hyphens, starting with a letter and ending with a letter or digit",
    ),
    NameRule(
        "compute",
        NAMES["Microsoft.MachineLearningServices/workspaces/computes"],
        3,
        24,
        "3-24 letters, digits and hyphens, starting with a letter and not ending in a hyphen and digits",
    ),
    NameRule(
        "containerRegistry",
        NAMES["Microsoft.ContainerRegistry/registries"],
        5,
        50,
        "5-50 letters and digits",
    ),
    NameRule(
        "identity",
        NAMES["Microsoft.ManagedIdentity/userAssignedIdentities"],
        3,
        128,
        "3-128 letters, digits, '-' or '_', starting with a letter or digit",
    ),
    NameRule(
        "logAnalytics",
        NAMES["Microsoft.OperationalInsights/workspaces"],
        4,
        63,
        "4-63 letters, digits and hyphens, starting and ending with a letter or digit",
    ),
    NameRule(
        "applicationInsights",
        NAMES["Microsoft.Insights/components"],
        1,
        260,
        r"1-260 characters without %, &, \, ? and /, not ending in a space or '.'",
    ),
)

_LONGEST_GROUP, _LONGEST_PREFIX = 90, 20
_PREFIX = re.compile(r"[a-z](-?[a-z0-9])*", re.ASCII)
_DIGIT = "[a-z2-7]"  # of a digest
_TAGGED = re.compile(rf"rg-(?P<slug>.+)-(?P<tag>{_DIGIT}{{6}})", re.ASCII)
_NUMBERED = re.compile(r"(?:-+[0-9]+)+\Z")


@dataclass(frozen=True)
class Names:
    """The names of one stack's Azure resources; None for what the stack does without."""

    resource_group: str
    workspace: str
    storage_account: str | None
    key_vault: str | None
    log_analytics: str | None
    application_insights: str | None
    container_registry: str | None
    identity: str | None


def rule(kind: str) -> NameRule:
    """The rule of a kind.

    Raises:
        KeyError: no such kind.
    """
    for candidate in RULES:
        if candidate.kind == kind:
            return candidate
    raise KeyError(kind)


def check(kind: str, name: str) -> str | None:
    """What is wrong with a name, in plain words, or None when Azure would take it.

    Raises:
        KeyError: no such kind.
    """
    wanted = rule(kind)
    if _fits(wanted, name):
        return None
    if not name:
        return f"is empty; it must have {wanted.words}"
    if len(name) > wanted.longest or len(name) < wanted.shortest:
        return f"'{name}' has {len(name)} characters; it must have {wanted.words}"
    near = repair(kind, name)
    hint = f"; '{near}' would do" if near else ""
    if kind == "compute" and _NUMBERED.search(name):
        return f"'{name}' ends in a hyphen and digits, which Azure Machine Learning refuses{hint}"
    return f"'{name}' breaks Azure's rule: {wanted.words}{hint}"


def repair(kind: str, name: str) -> str:
    """A name near to a wrong one that Azure would take, or empty.

    Raises:
        KeyError: no such kind.
    """
    if kind == "storageAccount":
        near = re.sub(r"[^a-z0-9]", "", name.lower())
    elif kind == "compute" and _NUMBERED.search(name):
        near = _NUMBERED.sub(lambda number: number[0].replace("-", ""), name)
    else:
        near = re.sub(r"[^a-zA-Z0-9]+", "-", name).strip("-")
    return near if _fits(rule(kind), near) else ""


def _fits(wanted: NameRule, name: str) -> bool:
    # Resource groups take letters of any script.
    return bool(re.fullmatch(wanted.pattern, name, 0 if wanted.kind == "resourceGroup" else re.ASCII))


def generate(prefix: str, stack: str, salt: str, subscription_id: str) -> Names:
    """The names of a stack's resources.

    Args:
        prefix: the settings' prefix; lower-case letters, digits and single hyphens, starting with a letter.
        stack: the stack's name; characters that Azure refuses are replaced.
        salt: any text; another one gives another set of names.
        subscription_id: the subscription that they are for.

    Returns:
        Names that pass `check`, the same for the same arguments.
    """
    source = "\n".join((subscription_id.lower(), prefix, stack, salt))
    digest = base64.b32encode(hashlib.sha256(source.encode()).digest()).decode().lower()[:10]
    slug = _slug(f"{prefix}-{stack}")
    tagged = bool(salt) or slug != f"{prefix}-{stack}"
    return Names(**_spelled(slug, digest[:6], digest[6:], tagged=tagged))


def expected(resource_group: str, stack: str, subscription_id: str) -> Mapping[str, re.Pattern[str]]:
    """What the name of a stack's group tells of the names in it: patterns by the fields of `Names`; empty if nothing.

    Without a salt the digest follows from the name. With one the name has a piece of it, which is in all others too.
    """
    prefix = resource_group.removeprefix("rg-").removesuffix(f"-{stack}")
    if len(prefix) <= _LONGEST_PREFIX and _PREFIX.fullmatch(prefix):
        names = generate(prefix, stack, "", subscription_id)
        if names.resource_group == resource_group:
            return {field: re.compile(re.escape(name)) for field, name in asdict(names).items()}
    found = _TAGGED.fullmatch(resource_group)
    whole = found is not None and len(resource_group) < _LONGEST_GROUP
    if found is None or (whole and not found["slug"].endswith(f"-{_slug(stack)}")):
        return {}
    spelled = _spelled(found["slug"], found["tag"], "?", tagged=True)
    return {field: re.compile(re.escape(name).replace(r"\?", f"{_DIGIT}{{4}}")) for field, name in spelled.items()}


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _spelled(slug: str, tag: str, rest: str, *, tagged: bool) -> dict[str, str]:
    """The names by the fields of `Names`; tag and rest make the digest."""

    def readable(short: str, longest: int) -> str:
        whole = f"{short}-{slug}"
        if not tagged and len(whole) <= longest:
            return whole
        return f"{whole[: longest - 7].rstrip('-')}-{tag}"

    return {
        "resource_group": readable("rg", _LONGEST_GROUP),
        "workspace": readable("mlw", 33),
        "storage_account": f"st{slug.replace('-', '')[:12]}{tag}{rest}",
        "key_vault": f"kv-{slug[:10].rstrip('-')}-{tag}{rest}",
        "log_analytics": readable("log", 63),
        "application_insights": readable("appi", 63),
        "container_registry": f"cr{slug.replace('-', '')[:12]}{tag}{rest}",
        "identity": readable("id", 63),
    }
