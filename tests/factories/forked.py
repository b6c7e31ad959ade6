"""Our program in processes forked from one that has loaded its code already: each start of its own would take seconds."""

import multiprocessing
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pages
from tests.factories.served import ROOT

SHARED = multiprocessing.get_context("forkserver")
SHARED.set_forkserver_preload(["main", __name__, *(f"pages.{name}" for name in pages.SCREENS)])
OURS = ("PYTEST", "NICEGUI", "DATABASE", "SECRET", "PUBLIC")
"""How settings of ours begin, and what a test run adds."""


def serve(environment: Mapping[str, str]) -> None:
    """`main.py serve`, in the process that calls this."""
    import main

    _become(environment)
    main.serve()


def command(environment: Mapping[str, str], *words: str, patience_s: float = 180) -> subprocess.CompletedProcess[str]:
    """`main.py` with these words at a terminal; what it printed, and how it ended."""
    with TemporaryDirectory() as folder:
        said, complained = Path(folder, "stdout"), Path(folder, "stderr")
        process = SHARED.Process(target=_obey, args=(dict(environment), words, str(said), str(complained)))
        process.start()
        process.join(patience_s)
        if process.exitcode is None:
            process.kill()
            process.join()
        return subprocess.CompletedProcess(words, process.exitcode or 0, said.read_text(), complained.read_text())


def _obey(environment: Mapping[str, str], words: tuple[str, ...], said: str, complained: str) -> None:
    for descriptor, path in ((1, said), (2, complained)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), descriptor)
    import main

    _become(environment)
    main.cli(list(words), prog_name="main.py")


def _become(environment: Mapping[str, str]) -> None:
    for name in [name for name in os.environ if name.startswith(OURS)]:
        del os.environ[name]
    os.environ |= environment
    os.chdir(ROOT)
