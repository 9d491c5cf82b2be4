"""What a workspace stands on, one file a part: each declares its resource in the workspace's group.

Whether a part is made, and who may read it, is the component's; how it is made secure is here. Each `declare_*` takes
the component's logical name, with which the part's begins, the arguments after `completed`, the name of the group, and
the options that the component gives to all that is its own.
"""
