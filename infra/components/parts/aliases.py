"""What azure-native tells of each resource's earlier type tokens, as far as our program can have used one.

It gives each resource an alias for every API version that it ever had a token of its own for, some twenty, and the
SDK computes a URN from each: most of a program's time. Ours has always declared the types without a version.
"""

from __future__ import annotations

import re

import pulumi

_VERSION = re.compile(r"[/_]v\d{8}")  # azure-native:storage/v20230101:StorageAccount


def without_versions(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """A stack's transformation: a resource's aliases, without those whose type names an API version."""
    if not args.opts.aliases:
        return None
    kept = [each for each in args.opts.aliases if not _versioned(each)]
    options = pulumi.ResourceOptions.merge(args.opts, None)
    options.aliases = kept
    return pulumi.ResourceTransformationResult(args.props, options)


def _versioned(alias: object) -> bool:
    return isinstance(alias, pulumi.Alias) and bool(_VERSION.search(str(alias.type_)))
