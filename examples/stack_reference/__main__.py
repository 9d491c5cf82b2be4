"""Another project's program: it has the workspace from the outputs of the stack that made it.

`pulumi config set workspace organization/own-program/local` names that stack.
"""

import pulumi

workspace = pulumi.StackReference(pulumi.Config().require("workspace"))
pulumi.export("tracking", workspace.require_output("trackingUri"))
pulumi.export("studio", workspace.require_output("studioUrl"))
