"""`evergreen drill`: faults on purpose in a throwaway clone, and what clients saw of them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from flows.drills import ground, page, running
from flows.drills.ground import Ground
from flows.drills.load import PER_SECOND, Load
from flows.drills.result import Result
from flows.throwaway import Demo, clone_of, surroundings
from flows.views import drills as views
from pipelines.errors import EXIT_DONE, EXIT_REFUSED, SettingsError
from pipelines.files import write_text
from pipelines.paths import home
from pipelines.versioning.git import Repository


def run(root: Path, names: Sequence[str], keep: Path | None, *, as_json: bool) -> int:
    """Run drills, and show what came of them; returns the exit code.

    Args:
        root: the project that is cloned; nothing in it is touched but the page.
        names: which drills, in their order; all if there is none.
        keep: where the clone stays; a temporary one goes.
        as_json: print JSON, and what is told on the way on standard error.

    Raises:
        SettingsError: there is no drill of a name.
        WorkspaceError: `root` is no repository, `keep` is not empty, or what drills need could not
            be made.
    """
    chosen = chosen_of(names)
    out = home(root).reports / "drills.html"
    console = Console(stderr=as_json, highlight=False)
    demo = Demo(clone_of(Repository.at(root), keep), console)
    console.print(f"in a throwaway clone: {demo.clone}", soft_wrap=True)
    with surroundings(demo):
        results = drilled(ground.prepare(demo), chosen)
    if keep is None:
        shutil.rmtree(demo.clone, ignore_errors=True)
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    write_text(page.page(results, when, PER_SECOND), out)
    views.show_drills(results, out, as_json=as_json)
    return EXIT_DONE if all(each.is_as_expected for each in results) else EXIT_REFUSED


def drilled(place: Ground, chosen: Sequence[str]) -> list[Result]:
    """Run drills with a stack and clients, which end with them.

    Raises:
        EvergreenError: the stack does not start or end, or nobody answers.
    """
    console = place.demo.console

    def tell(result: Result) -> None:
        console.print(f"            {views.line(result)}", soft_wrap=True)

    with ground.stack(place.demo):
        place.subject(ground.ADMIN, "admin")
        asking, labeller = place.subjects(), place.subject("labels", "feedback")
        with Load(place.door(), asking, labeller) as load:
            return running.run(place, load, chosen, tell)


def chosen_of(names: Sequence[str]) -> list[str]:
    """The drills of these names, or all.

    Raises:
        SettingsError: there is none of a name.
    """
    unknown = sorted(set(names) - set(running.NAMES))
    if unknown:
        raise SettingsError(
            f"there is no drill {', '.join(unknown)}",
            where="drill",
            next_step=f"name some of {', '.join(running.NAMES)}, or none for all",
        )
    return list(names or running.NAMES)
