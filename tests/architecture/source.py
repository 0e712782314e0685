"""Our own source, read rather than imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("flows", "pipelines")


@cache
def modules() -> dict[str, Path]:
    """Every module of ours by its dotted name; a package is its `__init__.py`."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(path: Path) -> frozenset[str]:
    """The modules of ours that running this file may load, those in functions included.

    What stands under `if TYPE_CHECKING:` is never run.
    """
    known = modules()
    found: set[str] = set()
    for name in _imported(tree(path)):
        # `from pipelines.models import parity` names a module, `from ...space import Knob` none.
        # A package is loaded before what is in it.
        parts = name.split(".")
        found.update(".".join(parts[:length]) for length in range(1, len(parts) + 1))
    return frozenset(found & known.keys())


def _imported(node: ast.AST) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute here"
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        yield from _imported(child)


def is_docstring_only(path: Path) -> bool:
    """Whether nothing happens when the file is imported."""
    return all(
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for node in tree(path).body
    )


@cache
def names_used(path: Path) -> set[str]:
    """Every attribute that the file reads, as in `registry.DATASETS`."""
    return {node.attr for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute)}
