"""Small programs for Supervisor to run, and what can be seen of them."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path

from pipelines.fleet.fleet import Fleet
from pipelines.fleet.program import Program

# Answers on the port it is given with its own pid, in a child of a session of its own: what a
# model server's arbiter does with its workers.
ARBITER = """
import os, signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[2], sys.argv[1]], start_new_session=True)
signal.signal(signal.SIGTERM, lambda *_: (child.terminate(), sys.exit(0)))
child.wait()
"""
SERVER = """
import http.server, logging, os, sys
class Door(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(os.getpid()).encode())
    def log_message(self, *arguments):
        logging.warning("asked")
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Door).serve_forever()
"""


def server(name: str, port: int, directory: Path) -> Program:
    """A program that answers over HTTP."""
    return Program(name, (sys.executable, "-c", SERVER, str(port)), directory, stop_seconds=5)


def arbiter(name: str, port: int, directory: Path) -> Program:
    """A program whose child answers, in another session."""
    argv = (sys.executable, "-c", ARBITER, str(port), SERVER)
    return Program(name, argv, directory, stop_seconds=5)


def answer(port: int) -> int | None:
    """The pid of who answers on a port, or None; who is killed meanwhile answers half of it."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2) as response:
            return int(response.read())
    except (urllib.error.URLError, OSError, HTTPException, ValueError):
        return None


def pid_of(fleet: Fleet, program: str) -> int | None:
    """The process of a program, as Supervisor knows it."""
    return next((each.pid for each in fleet.processes() if each.program == program), None)
