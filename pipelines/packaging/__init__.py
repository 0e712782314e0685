"""From a model folder to a bento that is proved to answer as the model does.

Here belong the content of a bento, the local store of bentos, starting one as a process, and the
proof. Deciding whether a version deserves to be packaged does not (that is a gate's), nor does
running servers for good (that is the supervisor's).
"""

from pipelines.packaging.bento import build, export
from pipelines.packaging.chain import build_chain
from pipelines.packaging.content import Labels, policy_of
from pipelines.packaging.proof import prove
from pipelines.packaging.server import Site, serve_command
from pipelines.packaging.store import bento_path, model_folder, tags
from pipelines.serving.chain import Link

__all__ = [
    "Labels",
    "Link",
    "Site",
    "bento_path",
    "build",
    "build_chain",
    "export",
    "model_folder",
    "policy_of",
    "prove",
    "serve_command",
    "tags",
]
