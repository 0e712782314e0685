"""What a packaged version needs to run somewhere else: its manifests, and how its image is built.

Here belong the names, sizes and periods that follow from a bento, and filling the templates below
`deployments/`. Talking to a cluster or to Docker does not belong here: the output is text, for
`kubectl`, a GitOps repository or a person to take from there.
"""

from pipelines.deploying.deployable import Deployable
from pipelines.deploying.image import build_command, default_image, pinned
from pipelines.deploying.manifests import Placement, Tokens, render

__all__ = [
    "Deployable",
    "Placement",
    "Tokens",
    "build_command",
    "default_image",
    "pinned",
    "render",
]
