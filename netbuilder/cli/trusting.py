"""A project's own layers on the command line: nothing is run that was not trusted by its hash."""

from __future__ import annotations

import contextlib
import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from netbuilder.cli import output
from netbuilder.cli.output import UsageError
from netbuilder.errors import Problem
from netbuilder.graph.changes import Changed
from netbuilder.graph.document import Document

UNSEEN = frozenset({"code.restricted", "code.changed"})
"""Problems which tell that code was not looked at."""
_HASH = re.compile(r"(?:sha256:)?([0-9a-f]{64})\Z")


def add_options(parser: ArgumentParser) -> None:
    """The options of commands that run a project's code."""
    parser.add_argument(
        "--trust-code",
        metavar="sha256:HASH",
        action="append",
        default=[],
        help="run a file of the project's own layers if it has this content; may be repeated",
    )
    parser.add_argument(
        "--trust-all-code", action="store_true", help="run all of them, whoever wrote them"
    )
    parser.add_argument(
        "--allow",
        metavar="PATH",
        action="append",
        default=[],
        help="let data be read there, outside the project's folder; remembered; may be repeated",
    )


def load(path: str, options: Namespace, *, refuse: bool = True) -> Document:
    """The project in a file, with what its own layers may do.

    `UntrustedCodeError` names the files that may not run, unless `refuse` is off.
    """
    from netbuilder.storage import files

    document = files.load(path)
    _give_places(Path(path).absolute().parent, options)
    if not document.project.code:
        return document
    from netbuilder.app import trust
    from netbuilder.layers import own, trusted

    folder = Path(path).absolute().parent
    known = _known(options)
    found = trust.standing(document.project, folder, known)
    project = trust.declared_anew(document.project, found, known, folder)
    if project is not document.project:
        with document.editing():
            document.apply(Changed("", document.project, project))
        found = trust.standing(project, folder, known)
    if options.trust_all_code:
        for each in (each for each in found if each.state == "trusted"):
            output.say(f"netbuilder: warning: running {each.file.path} (sha256:{each.sha256}).")
    own.use(project)
    trusted.give(trust.of(found))
    if refuse:
        refuse_restricted(document)
    return document


def _give_places(folder: Path, options: Namespace) -> None:
    """From now on this process reads data in the project's folder and where it is allowed."""
    from netbuilder.app.consent import ConsentStore
    from netbuilder.data import places

    store = ConsentStore(warn=lambda text: output.say(f"netbuilder: {text}"))
    if options.allow:
        store.allow(Path(path) for path in options.allow)
    places.give(places.Places(folder, store.paths))


def remember(document: Document) -> None:
    """The project is about to be trained: its runs may read the data that lies beside it."""
    from netbuilder.app import consent
    from netbuilder.data import places

    consent.remember(consent.ConsentStore(), document.project.data, places.current())


def _known(options: Namespace) -> Callable[[str, Path], bool]:
    from netbuilder.app.trust import TrustStore

    wanted: set[str] = set()
    for text in options.trust_code:
        match = _HASH.match(text)
        if match is None:
            raise UsageError(f"'{text}' is no hash.", "Write it like sha256: and 64 hex digits.")
        wanted.add(match[1])
    store = TrustStore(warn=lambda text: output.say(f"netbuilder: {text}"))
    return lambda sha256, place: (
        sha256 in wanted or options.trust_all_code or store.known(sha256, place)
    )


def refuse_restricted(document: Document) -> None:
    """`UntrustedCodeError` if nodes use files that are there and may not run."""
    from netbuilder.compiler.own_files import unseen
    from netbuilder.layers import trusted

    states = trusted.current().states
    trusted.refuse(
        file
        for file in unseen(document).files
        if states.get(file.path) in ("restricted", "changed")
    )


def load_run(folder: Path, options: Namespace) -> None:
    """What the own layers of a run's project may do; `UntrustedCodeError` as in `load`."""
    from netbuilder.training.records.folder import RunFolder

    load(str(RunFolder(folder).project_path), options)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """What a person's code prints goes to stderr: stdout is for the answer."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


def options_for(problems: Iterable[Problem]) -> Iterator[str]:
    """The options that would let run what the problems say is not trusted."""
    for problem in problems:
        for fix in problem.fixes:
            if problem.code in UNSEEN and "sha256" in fix.arguments:
                yield f"--trust-code sha256:{fix.arguments['sha256']}"
