"""Reading a Dockerfile: its instructions by stage, as Docker understands them."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Instruction:
    """One instruction: `keyword` in capitals, the `rest` in one line, and flags such as `from`."""

    keyword: str
    rest: str
    flags: dict[str, str]

    @property
    def is_exec_form(self) -> bool:
        return self.rest.startswith("[")

    @property
    def argv(self) -> list[str]:
        """The words of an exec form, or of a list of paths."""
        return json.loads(self.rest) if self.is_exec_form else shlex.split(self.rest)


@dataclass(frozen=True)
class Stage:
    """What stands between one FROM and the next."""

    base: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, keyword: str) -> list[Instruction]:
        return [each for each in self.instructions if each.keyword == keyword]

    def last(self, keyword: str) -> Instruction:
        """The one that counts: a later one replaces those before it."""
        return self.all(keyword)[-1]

    def pairs(self, keyword: str) -> dict[str, str]:
        """ENV or LABEL as a mapping."""
        words = [word for each in self.all(keyword) for word in shlex.split(each.rest)]
        return dict(word.split("=", 1) for word in words)


def read(path: Path) -> tuple[dict[str, str], list[Stage]]:
    """The global arguments with their defaults, and the stages in order.

    Raises:
        ValueError: a line is no instruction, or one stands before the first FROM.
    """
    arguments: dict[str, str] = {}
    stages: list[Stage] = []
    for line in _logical_lines(path.read_text(encoding="utf-8")):
        found = _instruction(line)
        if found.keyword == "FROM":
            base, _, name = found.rest.partition(" AS ")
            stages.append(Stage(_filled(base, arguments), name))
        elif stages:
            stages[-1].instructions.append(found)
        elif found.keyword == "ARG":
            name, _, default = found.rest.partition("=")
            arguments[name] = default
        else:
            raise ValueError(f"{found.keyword} before the first FROM")
    return arguments, stages


def _logical_lines(text: str) -> list[str]:
    # Docker drops comment lines first, those within a continued instruction among them.
    kept = [
        line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]
    joined = re.sub(r"\\\n\s*", "", "\n".join(kept))
    return joined.splitlines()


def _instruction(line: str) -> Instruction:
    keyword, _, rest = line.partition(" ")
    if not re.fullmatch(r"[A-Z]+", keyword):
        raise ValueError(f"not an instruction: {line!r}")
    flags = {}
    while found := re.match(r"--([a-z-]+)=(\S+)\s+", rest):
        flags[found[1]] = found[2]
        rest = rest[found.end() :]
    return Instruction(keyword, rest.strip(), flags)


def _filled(text: str, arguments: dict[str, str]) -> str:
    return re.sub(r"\$\{(\w+)\}", lambda found: arguments[found[1]], text)
