"""Waits until the roles of an identity are in force, by asking: the resource that needs them is tried again.

No request tells when an assignment is in force for somebody else ("It can take up to 10 minutes for changes to take
effect": Microsoft, "Troubleshoot Azure RBAC"). Azure refuses what it makes too early.
"""

import asyncio
import itertools

import pulumi

_LONGEST, _FIRST_PAUSE, _LONGEST_PAUSE = 600.0, 2.0, 20.0
_REFUSED = ("authoriz", "forbidden", "permission", "access denied")


def until_in_force(name: str, identity: str, principal_id: pulumi.Output[str]) -> pulumi.ResourceOptions:
    """Options by which a resource is tried again while Azure refuses it to an identity.

    Args:
        name: of the hook, unique in the program.
        identity: name of the identity, for people.
        principal_id: its object id. A refusal that names neither the one nor the other is final.
    """
    words = [f"/{identity}".lower()]
    principal_id.apply(lambda id_: words.append(id_.lower()) if id_ else None)
    pauses = (min(_FIRST_PAUSE * 2**number, _LONGEST_PAUSE) for number in itertools.count())
    waited = 0.0

    async def again(failed: pulumi.ErrorHookArgs) -> bool:
        nonlocal waited
        text = failed.errors[0].lower() if failed.errors else ""
        if not any(word in text for word in words) or not any(word in text for word in _REFUSED) or waited >= _LONGEST:
            return False
        pulumi.log.info(f"waiting until the roles of {identity} are in force ({waited:.0f} s so far)")
        pause = next(pauses)
        await asyncio.sleep(pause)
        waited += pause
        return True

    hook = pulumi.ErrorHook(name, again)
    return pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(on_error=[hook]))
