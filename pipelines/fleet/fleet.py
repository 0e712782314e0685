"""The processes of one home: groups that should run, and groups that do."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence

from pipelines.errors import FleetError
from pipelines.fleet import configuration, daemon, layout, ports, program, strays
from pipelines.fleet.layout import Layout
from pipelines.fleet.program import Group, Program
from pipelines.fleet.remote import Process, ProcessState, Remote

_POLL_SECONDS = 0.05
# Supervisor needs a turn of its loop to notice what has ended.
_GRACE_SECONDS = 10.0


class Fleet:
    """Starts, finds and ends processes. Whoever changes something holds the lock `places.lock`."""

    def __init__(self, places: Layout) -> None:
        self.places = places
        self._remote = Remote(places.socket)

    def is_up(self) -> bool:
        """Whether Supervisor answers.

        Raises:
            FleetError: it hangs.
        """
        return self._remote.pid() is not None

    def start(self) -> bool:
        """Start Supervisor, unless it runs; whether it had to be started."""
        if self.is_up():
            return False
        daemon.start(self.places)
        return True

    def processes(self) -> list[Process]:
        """Every program that should run; none while Supervisor is down."""
        return self._remote.processes() if self.is_up() else []

    def ensure(self, group: Group) -> bool:
        """Have a group running as it is described; whether anything had to be done for that.

        A program that Supervisor gave up is started again.
        """
        mine = [each for each in self.processes() if each.group == group.name]
        if mine and program.read(self.places.group(group.name)) == group:
            return self._revive(mine)
        if mine:
            self.stop([group.name])
        layout.make(self.places)
        program.write(group, self.places.group(group.name))
        self._reload()
        self._remote.add(group.name)
        return True

    def stop(self, groups: Sequence[str]) -> None:
        """End groups, all at once, and forget them.

        Raises:
            FleetError: one of them does not end.
        """
        self.ask_to_stop(groups)
        self.forget(groups)

    def ask_to_stop(self, groups: Iterable[str]) -> None:
        """Tell groups to end, without waiting; what they are being asked they still answer."""
        for group in groups:
            self._remote.stop(group)

    def forget(self, groups: Sequence[str]) -> None:
        """Wait until groups that were told to end have done so, and take them off the list.

        Raises:
            FleetError: one of them does not end.
        """
        known = [each for name in groups for each in self._programs(name)]
        patience = max((each.stop_seconds for each in known), default=0)
        deadline, left = time.monotonic() + _GRACE_SECONDS + patience, list(groups)
        while left := [group for group in left if not self._remote.remove(group)]:
            if time.monotonic() > deadline:
                raise FleetError(
                    "does not end",
                    where=", ".join(left),
                    next_step=f"read {self.places.supervisor_log}",
                )
            time.sleep(_POLL_SECONDS)
        for group in groups:
            self.places.group(group).unlink(missing_ok=True)
        self._reload()
        self._end_children({each.name for each in known})

    def end(self) -> None:
        """End Supervisor and every process of the fleet, watched or not."""
        daemon.end(self.places)

    def orphans(self) -> list[str]:
        """The programs of an earlier Supervisor, which was killed, that still run."""
        run = daemon.run_of(self.places)
        found = strays.find(self.places.folder, but_run=run if self.is_up() else None)
        return sorted({name for each in found if (name := strays.program_of(each))})

    def end_orphans(self, programs: Iterable[str], wait_seconds: float = 15.0) -> None:
        """End what is left of programs of an earlier Supervisor."""
        run, wanted = daemon.run_of(self.places), set(programs)
        found = strays.find(self.places.folder, but_run=run)
        strays.end([each for each in found if strays.program_of(each) in wanted], wait_seconds)

    def pairs(self, names: Sequence[str]) -> dict[str, ports.Pair]:
        """The two ports of each program: as they were, or new ones where another has taken them."""
        book = ports.read(self.places.ports)
        up = {each.program: each.state for each in self.processes()}
        for name in names:
            # The ports of a program that runs are taken by itself.
            is_settled = up.get(name) in (ProcessState.RUNNING, ProcessState.STOPPING)
            if name in book and (is_settled or self._can_have(name, book[name], up)):
                continue
            others = {port for other, pair in book.items() if other != name for port in pair}
            old = set(book.get(name, ()))
            book[name] = ports.choose(name, others | old, ports.is_free)
        ports.write(self.places.ports, book)
        return {name: book[name] for name in names}

    def _can_have(self, name: str, pair: ports.Pair, up: dict[str, ProcessState]) -> bool:
        if all(map(ports.is_free, pair)):
            return True
        # Just started, it may have one already; it will be asked again if it does not last.
        return up.get(name) is ProcessState.STARTING

    def forget_ports(self, names: Iterable[str]) -> None:
        """Give up the ports of programs that will not run again."""
        book = ports.read(self.places.ports)
        gone = set(names) & book.keys()
        if gone:
            ports.write(self.places.ports, {n: p for n, p in book.items() if n not in gone})

    def _revive(self, processes: Iterable[Process]) -> bool:
        down = [
            each for each in processes if each.state in (ProcessState.FATAL, ProcessState.STOPPED)
        ]
        for process in down:
            self._remote.start(process)
        return bool(down)

    def _reload(self) -> None:
        """Write what is on the list, and have Supervisor read it."""
        paths = sorted(self.places.groups.glob("*.json"))
        groups = [group for path in paths if (group := program.read(path)) is not None]
        configuration.write(self.places, groups)
        self._remote.reload()

    def _programs(self, group: str) -> tuple[Program, ...]:
        known = program.read(self.places.group(group))
        return known.programs if known else ()

    def _end_children(self, programs: Collection[str]) -> None:
        """End what a program that had to be killed has left in sessions of its own."""
        found = strays.find(self.places.folder, run=daemon.run_of(self.places))
        left = [each for each in found if strays.program_of(each) in programs]
        strays.end(left, wait_seconds=1.0)
