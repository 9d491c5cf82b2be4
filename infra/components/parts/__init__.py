"""What a workspace stands on, one file a part: each declares its resource in the workspace's group.

Whether a part is made, and who may read it, is the component's; how it is made secure is here.
"""
