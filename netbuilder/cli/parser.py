"""Commands and their options."""

from __future__ import annotations

import argparse
import importlib
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from netbuilder.app.kinds import KINDS
from netbuilder.cli import output, trusting
from netbuilder.exchange.options import ANSWERS, FORMATS, PROBABILITIES
from netbuilder.exchange.smaller.precisions import PRECISIONS

COMMANDS = (
    "templates",
    "new",
    "data",
    "fetch",
    "layers",
    "check",
    "summary",
    "code",
    "train",
    "find-lr",
    "find-batch",
    "tune",
    "weigh-classes",
    "verify-resume",
    "replay",
    "export",
    "shrink",
    "import",
    "weights",
    "predict",
    "generate",
    "runs",
    "compare",
    "report",
    "figure",
    "board",
    "control",
    "diff",
    "merge-driver",
    "textconv",
    "git-setup",
    "worker",
)
_PROJECT_MAKERS = ("new", "import_model")
_READ = ("file", "origin", "model", "run")
"""What commands call the path that they read."""
_EPILOG = "Without a command, netbuilder [FILE] opens the window."


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with a command line the way everything else is said."""

    def error(self, message: str) -> NoReturn:
        usage = " ".join(self.format_usage().split()).removeprefix("usage: ")
        raise output.UsageError(f"{message[:1].upper()}{message[1:]}.", f"Usage: {usage}")


def run(arguments: Sequence[str]) -> int:
    """Parse and run a command."""
    options = build().parse_args(arguments)
    _refuse_output(options)
    if "trust_code" in options or options.function == "layers":
        from netbuilder.engine import plugins

        plugins.load()
    module = importlib.import_module(f"netbuilder.cli.commands.{options.module}")
    command: Callable[[argparse.Namespace], int] = getattr(module, options.function)
    return command(options)


def _refuse_output(options: argparse.Namespace) -> None:
    """`UsageError` where a command would write over what it reads, or over a project."""
    out = getattr(options, "output", None)
    if out is None:
        return
    if Path(out).suffix == ".netb" and options.function not in _PROJECT_MAKERS:
        raise output.UsageError(
            f"'{out}' has the name of a project.", "Name a file with another ending."
        )
    for name in _READ:
        with suppress(OSError):
            if os.path.samefile(getattr(options, name, ""), out):
                raise output.UsageError(f"'{out}' is what is to be read.", "Name another file.")


def build() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = _Parser(prog="netbuilder", description="Draw, train and ship neural networks.")
    parser.epilog = _EPILOG
    parser.add_argument("--safe-mode", action="store_true", help="leave installed plugins alone")
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version")
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=_Parser)
    _project_commands(commands)
    _run_commands(commands)
    worker = commands.add_parser("worker", help="the process that the window talks to")
    worker.set_defaults(module="", function="")
    return parser


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *args: Any, **named: Any) -> None:
        from importlib.metadata import version

        print(f"netbuilder {version('netbuilder')}")
        parser.exit()


def _add(commands: Any, name: str, module: str, help: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=help, description=help)
    command.set_defaults(module=module, function=name)
    command.add_argument("--json", action="store_true", help="one JSON document on stdout")
    command.add_argument("--debug", action="store_true", help="show tracebacks")
    return command


def _project_commands(commands: Any) -> None:
    _add(commands, "templates", "project", "List the projects that come with netbuilder.")
    new = _add(commands, "new", "project", "Make a project from a template, or of a kind.")
    known = ", ".join(kind.id for kind in KINDS)
    new.add_argument("template", metavar="TEMPLATE", help=f"a template, or a kind: {known}")
    new.add_argument("-o", "--output", metavar="FILE.netb", help="default: TEMPLATE.netb")
    new.add_argument("--force", action="store_true", help="replace a file that is there")
    new.add_argument("--data", metavar="PATH", help="set it up for the data at PATH")
    data = _add(commands, "data", "bringing_data", "Propose how to train on a file or folder.")
    data.add_argument("path", metavar="PATH")
    fetch = _add(commands, "fetch", "fetching", "Fetch a data set from the network.")
    fetch.add_argument(
        "what", metavar="NAME", nargs="?", help="mnist, fashion_mnist, cifar10 or hf:owner/name"
    )
    fetch.add_argument("--to", metavar="FOLDER", help="default: among netbuilder's own files")
    _add(commands, "layers", "project", "List the layers and their parameters.")
    check = _add(commands, "check", "project", "List the problems of a project.")
    check.add_argument("file", metavar="FILE")
    trusting.add_options(check)
    summary = _add(commands, "summary", "project", "Show shapes, parameters and costs.")
    summary.add_argument("file", metavar="FILE")
    summary.add_argument("--network", metavar="NAME")
    trusting.add_options(summary)
    summary.add_argument(
        "--input", metavar="NAME=1x3x224x224", action="append", default=[], dest="inputs"
    )
    code = _add(commands, "code", "project", "Write a network as PyTorch source.")
    code.add_argument("file", metavar="FILE")
    code.add_argument("--network", metavar="NAME")
    code.add_argument("-o", "--output", metavar="model.py")
    trusting.add_options(code)


def _run_commands(commands: Any) -> None:
    train = _add(commands, "train", "training", "Train a project into a run folder.")
    train.add_argument("file", metavar="FILE")
    # The second name is for torchrun, which takes `--run` for its own `--run-path`.
    train.add_argument("--run", "--run-dir", metavar="DIR", required=True, dest="run")
    train.add_argument("--folds", type=int, metavar="K", help="cross-validation: K runs in DIR")
    train.add_argument("--tune", action="store_true", help="first measure threads, compile, layout")
    train.add_argument("--epochs", type=int, metavar="N")
    trusting.add_options(train)
    train.add_argument("--steps", type=int, metavar="N")
    train.add_argument("--seed", type=int, metavar="S")
    train.add_argument("--device", metavar="auto|cpu|cuda:0")
    train.add_argument(
        "--worker",
        metavar="COMMAND",
        help='train at the other end of it: "ssh host netbuilder worker"',
    )
    begin = train.add_mutually_exclusive_group()
    begin.add_argument("--resume", action="store_true", help="go on where the run stopped")
    begin.add_argument("--from", metavar="RUN", dest="origin", help="start with a run's weights")
    train.add_argument(
        "--keep",
        metavar="PART",
        action="append",
        help="with --from: take this part alone (main, main.stem); may be repeated",
    )
    train.add_argument(
        "--widen", action="store_true", help="with --from: fill what grew as far as it goes"
    )
    train.add_argument(
        "--set", metavar="training.batch_size=64", action="append", default=[], dest="settings"
    )
    _finding_commands(commands)
    export = _add(commands, "export", "using", "Write a network to a file, and verify it.")
    export.add_argument("origin", metavar="FILE_OR_RUN")
    export.add_argument("--to", required=True, choices=tuple(FORMATS))
    export.add_argument("-o", "--output", metavar="OUT", required=True)
    export.add_argument("--network", metavar="NAME")
    export.add_argument("--opset", type=int, metavar="N")
    export.add_argument(
        "--per-node", action="store_true", help="compare an ONNX file node by node as well"
    )
    export.add_argument(
        "--precision",
        choices=tuple(PRECISIONS),
        help="onnx: smaller weights; what that costs is compared and told",
    )
    export.add_argument(
        "--prepared",
        nargs="?",
        const=PROBABILITIES,
        choices=ANSWERS,
        help="the file takes values as in the data and answers in them; of classes with this",
    )
    trusting.add_options(export)
    shrink = _add(commands, "shrink", "shrinking", "Make a trained network smaller, and compare.")
    shrink.add_argument("run", metavar="RUN")
    shrink.add_argument("--network", metavar="NAME")
    shrink.add_argument(
        "--prune", type=float, metavar="SHARE", help="set the smallest weights to zero: 0.5"
    )
    shrink.add_argument(
        "--structured", type=float, metavar="SHARE", help="take out whole channels: 0.5"
    )
    shrink.add_argument("--fp16", action="store_true", help="weights as 16-bit floats")
    shrink.add_argument("--int8", action="store_true", help="8-bit integers, in both ways")
    trusting.add_options(shrink)
    bring = _add(
        commands, "import", "bringing", "Make a project of an ONNX file or a model of PyTorch's."
    )
    bring.set_defaults(function="import_model")
    bring.add_argument("model", metavar="MODEL.onnx|MODEL.pt2")
    bring.add_argument("-o", "--output", metavar="FILE.netb", help="default: MODEL.netb")
    bring.add_argument("--force", action="store_true", help="replace a file that is there")
    bring.add_argument(
        "--blocks", action="store_true", help="fold runs of nodes that come again into blocks"
    )
    bring.add_argument("--data", metavar="PATH", help="add a training step for the data at PATH")
    weights = _add(commands, "weights", "foreign", "Find places for weights that others saved.")
    weights.add_argument("file", metavar="FILE")
    weights.add_argument("weights", metavar="WEIGHTS", help="a .safetensors or .pt file")
    weights.add_argument("--network", metavar="NAME")
    weights.add_argument("--apply", action="store_true", help="let the project begin with them")
    weights.add_argument(
        "--by-order", action="store_true", help="match the rest by shapes in their order"
    )
    weights.add_argument("--all", action="store_true", help="list what fits by its name too")
    trusting.add_options(weights)
    verify = _add(
        commands, "verify-resume", "resuming", "Try whether a stopped training goes on exactly."
    )
    verify.set_defaults(function="verify_resume")
    verify.add_argument("origin", metavar="FILE_OR_RUN")
    verify.add_argument("--steps", type=int, metavar="N", dest="number", help="default: 20")
    verify.add_argument("--device", metavar="auto|cpu|cuda:0")
    verify.add_argument(
        "--set", metavar="training.batch_size=64", action="append", default=[], dest="settings"
    )
    trusting.add_options(verify)
    replay = _add(
        commands, "replay", "resuming", "Run the batch again whose loss was NaN or infinite."
    )
    replay.add_argument("run", metavar="RUN")
    trusting.add_options(replay)
    predict = _add(commands, "predict", "predicting", "Ask a trained network.")
    predict.add_argument("run", metavar="RUN")
    predict.add_argument(
        "inputs",
        metavar="INPUT",
        nargs="+",
        help="a picture, a WAV file, a text, a row of cells, a .csv, .npy or .json file, JSON, or "
        "sample:3; NAME=... where there are several",
    )
    predict.add_argument("--network", metavar="NAME")
    trusting.add_options(predict)
    generate = _add(commands, "generate", "using", "Let a trained generator make something.")
    generate.add_argument("run", metavar="RUN")
    generate.add_argument("--preview", metavar="NAME", help="of a training step; the first without")
    generate.add_argument("--seed", type=int, default=0, help="other seeds make other samples")
    generate.add_argument("--prompt", metavar="TEXT", help="a text to go on with")
    generate.add_argument(
        "--turn",
        metavar="NODE.KNOB=VALUE",
        action="append",
        default=[],
        help="writer.temperature=0.5, noise.spread=0.7",
    )
    generate.add_argument("-o", "--output", metavar="FILE.png", help="pictures side by side")
    trusting.add_options(generate)
    runs = _add(commands, "runs", "comparing", "List runs.")
    runs.add_argument("folder", metavar="DIR", nargs="?")
    runs.add_argument("--filter", metavar="TEXT", help="lr>0.01 accuracy>=0.9 and words")
    control = _add(commands, "control", "controlling", "Pause, resume or stop a training.")
    control.add_argument("run", metavar="RUN")
    control.add_argument("command", choices=("pause", "resume", "stop"))
    control.add_argument("--force", action="store_true", help="stop: end its process at once")
    compare = _add(commands, "compare", "comparing", "Compare the settings and results of runs.")
    compare.add_argument("runs", metavar="RUN", nargs="+")
    report = _add(commands, "report", "reporting", "Write a run as one HTML file.")
    report.add_argument("run", metavar="RUN")
    report.add_argument("-o", "--output", metavar="FILE.html", help="default: RUN.html")
    figure = _add(commands, "figure", "reporting", "Write a graph as SVG, Mermaid or TikZ.")
    figure.add_argument("file", metavar="FILE")
    figure.add_argument("--graph", metavar="NAME", help="default: main, else the first")
    figure.add_argument("-o", "--output", metavar="X.svg|X.mmd|X.tex", required=True)
    board = _add(commands, "board", "comparing", "Write files for TensorBoard into run folders.")
    board.add_argument("folder", metavar="RUN_OR_DIR", nargs="?")
    diff = _add(commands, "diff", "comparing", "Say what differs between two projects.")
    diff.add_argument("before", metavar="A.netb")
    diff.add_argument("after", metavar="B.netb")
    diff.add_argument(
        "--drawn", action="store_true", help="without shapes and costs, for which PyTorch is needed"
    )
    diff.add_argument("--exit-code", action="store_true", help="1 where something differs")
    _git_commands(commands)


def _git_commands(commands: Any) -> None:
    """What git calls, see docs/git.md."""
    merge = _add(commands, "merge-driver", "git", "Merge two changes of a project, for git.")
    merge.set_defaults(function="merge_driver")
    for name in ("base", "ours", "theirs"):
        merge.add_argument(name, metavar=name.upper())
    merge.add_argument("path", metavar="PATH", nargs="?", help="what messages call the file")
    textconv = _add(commands, "textconv", "git", "Show a project as lines, for git diff.")
    textconv.add_argument("file", metavar="FILE")
    setup = _add(commands, "git-setup", "git", "Let git merge and compare projects by meaning.")
    setup.set_defaults(function="git_setup")
    setup.add_argument("folder", metavar="DIR", nargs="?", default=".")


def _finding_commands(commands: Any) -> None:
    """What looks at a project before it is trained."""
    rate = _add(commands, "find-lr", "finding", "Find a learning rate to start with.")
    rate.set_defaults(function="find_lr")
    rate.add_argument("--step", metavar="NAME", help="default: the first training step")
    rate.add_argument("--lowest", type=float, default=1e-7, metavar="RATE")
    rate.add_argument("--highest", type=float, default=10.0, metavar="RATE")
    rate.add_argument("--points", type=int, default=100, metavar="N")
    batch = _add(commands, "find-batch", "finding", "Find how large a batch may be.")
    batch.set_defaults(function="find_batch")
    batch.add_argument("--limit", type=float, metavar="MB", help="default: 80 %% of what is free")
    batch.add_argument("--most", type=int, metavar="N", help="largest size to try")
    tune = _add(commands, "tune", "finding", "Measure threads, layout of images and compile.")
    weigh = _add(commands, "weigh-classes", "finding", "Weigh classes by how rare they are.")
    weigh.set_defaults(function="weigh_classes")
    weigh.add_argument("--field", metavar="NAME", help="where several fields hold classes")
    for command in (rate, batch, tune, weigh):
        command.add_argument("file", metavar="FILE")
        command.add_argument("--apply", action="store_true", help="write it into the file")
        trusting.add_options(command)
        if command is not weigh:
            command.add_argument(
                "--set",
                metavar="training.batch_size=64",
                action="append",
                default=[],
                dest="settings",
            )
