"""What every HTML page of Evergreen shares: one base template, one style sheet, `render`.

Belongs here: how a page looks. Does not belong here: what a page says; each package keeps its own
template beside the code that fills it, and extends `reporting/base.html.j2`.

Pages are single files without scripts or anything fetched, so that one can be mailed, opened
from a DVC checkout years later, or read in a train.
"""

from pipelines.reporting.pages import render

__all__ = ["render"]
