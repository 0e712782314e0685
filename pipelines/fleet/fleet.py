"""The processes of one home: those that should run, and those that do."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence

from pipelines.errors import FleetError
from pipelines.fleet import configuration, daemon, layout, ports, program, strays
from pipelines.fleet.layout import Layout
from pipelines.fleet.program import Program
from pipelines.fleet.remote import Process, ProcessState, Remote
from pipelines.ports import is_free

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

    def has(self, wanted: Program) -> bool:
        """Whether a program is on Supervisor's list just as it is described."""
        is_listed = any(each.program == wanted.name for each in self.processes())
        return is_listed and program.read(self.places.program(wanted.name)) == wanted

    def ensure(self, wanted: Program) -> bool:
        """Have a program running as it is described; whether anything had to be done for that.

        One that Supervisor gave up is started again.
        """
        known = [each for each in self.processes() if each.program == wanted.name]
        if known and self.has(wanted):
            return self._revive(known[0])
        if known:
            self.stop([wanted.name])
        layout.make(self.places)
        program.write(wanted, self.places.program(wanted.name))
        self._reload()
        self._remote.add(wanted.name)
        return True

    def stop(self, names: Sequence[str]) -> None:
        """End programs, all at once, and forget them.

        Raises:
            FleetError: one of them does not end.
        """
        self.ask_to_stop(names)
        self.forget(names)

    def ask_to_stop(self, names: Iterable[str]) -> None:
        """Tell programs to end, without waiting; what they are being asked they still answer."""
        for name in names:
            self._remote.stop(name)

    def forget(self, names: Sequence[str]) -> None:
        """Wait until programs that were told to end have done so, and take them off the list.

        Raises:
            FleetError: one of them does not end.
        """
        if not names:
            return
        known = [program.read(self.places.program(name)) for name in names]
        patience = max(each.stop_seconds for each in known if each) if any(known) else 0
        deadline, left = time.monotonic() + _GRACE_SECONDS + patience, list(names)
        while left := [name for name in left if not self._remote.remove(name)]:
            if time.monotonic() > deadline:
                raise FleetError(
                    "does not end",
                    where=", ".join(left),
                    next_step=f"read {self.places.supervisor_log}",
                )
            time.sleep(_POLL_SECONDS)
        for name in names:
            self.places.program(name).unlink(missing_ok=True)
        self._reload()
        self._end_children(names)

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
            book[name] = ports.choose(name, others | old, is_free)
        ports.write(self.places.ports, book)
        return {name: book[name] for name in names}

    def _can_have(self, name: str, pair: ports.Pair, up: dict[str, ProcessState]) -> bool:
        if all(map(is_free, pair)):
            return True
        # Just started, it may have one already; it will be asked again if it does not last.
        return up.get(name) is ProcessState.STARTING

    def forget_ports(self, names: Iterable[str]) -> None:
        """Give up the ports of programs that will not run again."""
        book = ports.read(self.places.ports)
        gone = set(names) & book.keys()
        if gone:
            ports.write(self.places.ports, {n: p for n, p in book.items() if n not in gone})

    def _revive(self, process: Process) -> bool:
        is_down = process.state in (ProcessState.FATAL, ProcessState.STOPPED)
        if is_down:
            self._remote.start(process)
        return is_down

    def _reload(self) -> None:
        """Write what is on the list, and have Supervisor read it."""
        paths = sorted(self.places.programs.glob("*.json"))
        known = [each for path in paths if (each := program.read(path)) is not None]
        configuration.write(self.places, known)
        self._remote.reload()

    def _end_children(self, names: Collection[str]) -> None:
        """End what a program that had to be killed has left in sessions of its own."""
        found = strays.find(self.places.folder, run=daemon.run_of(self.places))
        left = [each for each in found if strays.program_of(each) in names]
        strays.end(left, wait_seconds=1.0)
