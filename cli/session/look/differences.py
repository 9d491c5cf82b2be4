"""The record of what a look at the cloud found: where a state and its cloud differ, in words for people."""

from __future__ import annotations

from dataclasses import dataclass

from azmlflow.cli.frame.words import called_token
from azmlflow.cli.pulumi.deployment import Resource
from azmlflow.cli.session.look import traffic
from azmlflow.rbac import scopes
from azmlflow.resourcetypes.table import token_of

_GROUP = token_of("Microsoft.Resources/resourceGroups")
_WORKSPACE = token_of("Microsoft.MachineLearningServices/workspaces")


@dataclass(frozen=True)
class Standing:
    """A state beside its cloud.

    Attributes:
        gone: resources of the state that are in the cloud no more.
        retagged: those that are there with other tags than ours.
        rewritten: our roles that allow something else than the program says.
        edited: what else the program says and others changed: each with the names of what.
        anew: those that were deleted, and that others made again under the same name, with our tags.
        foreign: the same without our tags: somebody else's.
        moved: the templates that give online endpoints their traffic, of those that have another now.
        apart: what no `up` puts right, for people.
        unseen: what could not be asked, for people.
    """

    gone: tuple[Resource, ...] = ()
    retagged: tuple[Resource, ...] = ()
    rewritten: tuple[Resource, ...] = ()
    edited: tuple[tuple[Resource, tuple[str, ...]], ...] = ()
    anew: tuple[Resource, ...] = ()
    foreign: tuple[Resource, ...] = ()
    moved: tuple[Resource, ...] = ()
    apart: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()

    @property
    def without_workspace(self) -> bool:
        """Whether the workspace itself is gone."""
        return any(each.type == _WORKSPACE for each in self.gone)

    def says(self) -> tuple[str, ...]:
        """What differs, a line for each."""
        groups = [each for each in self.gone if each.type == _GROUP]
        alone = [each for each in self.gone if not any(scopes.contains(group.id, each.id) for group in groups)]
        return (
            *(
                f"resource group `{scopes.parse(each.id).name}` was deleted elsewhere, with all in it"
                for each in groups
            ),
            *(f"{_called(each)} was deleted elsewhere" for each in alone),
            *(f"the tags of {_called(each)} were changed elsewhere" for each in self.retagged),
            *(f"what {_called(each)} allows was changed elsewhere" for each in self.rewritten),
            *(
                f"{_called(each)} was changed elsewhere: {', '.join(_plainly(way) for way in ways)}"
                for each, ways in self.edited
            ),
            *(f"{_called(each)} was deleted elsewhere, and made again, with this stack's tags" for each in self.anew),
            *(f"the traffic of online endpoint `{traffic.endpoint(each)}` was moved elsewhere" for each in self.moved),
        )

    def stops(self) -> tuple[str, ...]:
        """What no `up` puts right, a line for each."""
        return (
            *(
                f"{_called(each)} is another's: it was deleted elsewhere, and made again without this stack's tags"
                for each in self.foreign
            ),
            *self.apart,
        )


def _called(resource: Resource) -> str:
    """What people call it."""
    return f"{called_token(resource.type)} `{resource.name}`"


def _plainly(way: str) -> str:
    """A property's dotted name without ARM's envelopes."""
    return ".".join(each for each in way.split(".") if each != "properties") or way
