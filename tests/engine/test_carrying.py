"""Starting from a run's weights: every tensor finds its place, whatever was renamed or moved."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import netbuilder as nb
from netbuilder.app import graphs
from netbuilder.app.templates import open_template
from netbuilder.compiler import build
from netbuilder.engine import carrying, overrides, planning, tasks
from netbuilder.engine.carrying import Wish
from netbuilder.errors import ChangeError, NetbuilderError, RunError
from netbuilder.graph import edits, grouping, inlining
from netbuilder.graph.document import Document
from netbuilder.graph.history import History
from netbuilder.layers.catalogue import ports_of
from netbuilder.storage import format
from netbuilder.training.checkpointing import carrying as taking
from netbuilder.training.checkpointing import checkpoints
from netbuilder.training.control import Control
from netbuilder.training.records.folder import RunFolder
from netbuilder.training.records.reporter import Reporter
from netbuilder.training.run import Run

SHORT = {"training.epochs": 2, "training.threads": 1, "training.device": "cpu"}
WEIGHTS = [
    "conv1.weight",
    *(f"norm1.{each}" for each in ("weight", "bias", "running_mean", "running_var")),
    "norm1.num_batches_tracked",
    "conv2.weight",
]


@pytest.fixture(autouse=True)
def _own_random_state() -> Iterator[None]:
    """Training seeds the process; the next test must not see that."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run of digits_cnn, which has BatchNorm and dropout."""
    path = tmp_path_factory.mktemp("carrying") / "run"
    assert tasks.train(project(), path, overrides=SHORT)["status"] == "finished"
    return path


def project() -> Document:
    """digits_cnn, small."""
    document = open_template("digits_cnn")
    return overrides.apply(document, {"main.conv1.out_channels": 4, "main.conv2.out_channels": 6})


@pytest.fixture
def history() -> History:
    return History(project())


def look(document: Document, run: Path, **wish: Any) -> dict[str, Any]:
    return tasks.carry(document, Wish(run, **wish))


def by_name(report: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in report["items"] if item["name"]}


def states(report: Mapping[str, Any]) -> set[str]:
    return {item["state"] for item in report["items"]}


def rename_all(history: History) -> None:
    graph = history.document.of_kind("network")[0]
    for node in graph.ordered():
        edits.rename(history, graph, node.id, f"{node.name}_x")
    graphs.rename(history, graph, "reader")


def test_an_unchanged_project_keeps_everything(run: Path) -> None:
    report = look(project(), run)
    assert states(report) == {"kept"}
    assert list(by_name(report))[: len(WEIGHTS)] == WEIGHTS
    numbers = report["numbers"]
    assert numbers["kept"] > 0
    assert (numbers["new"], numbers["lost"], numbers["widened"]) == (0, 0, 0)
    assert (report["checkpoint"], report["name"]) == ("best", "run")


def test_names_do_not_matter(run: Path, history: History) -> None:
    rename_all(history)
    report = look(history.document, run)
    assert states(report) == {"kept"}
    assert {item["network"] for item in report["items"]} == {"reader"}
    assert by_name(report)["conv1_x.weight"]["was"] == "conv1.weight"


def test_nodes_made_into_a_block_and_taken_out_again_keep_their_weights(
    run: Path, history: History, tmp_path: Path
) -> None:
    graph = history.document.of_kind("network")[0]
    inside = [graph.named(name) for name in ("conv1", "norm1", "relu1")]
    ids = [node.id for node in inside if node is not None]
    use = grouping.group(history, graph, ids, ports_of, name="Stem")
    report = look(history.document, run)
    assert states(report) == {"kept"}, report
    assert by_name(report)[f"{use.name}.conv1.weight"]["was"] == "conv1.weight"
    # And back: a run of the blocks, carried into the project without them.
    other = tmp_path / "blocks"
    answer = tasks.train(history.document, other, overrides={**SHORT, "training.epochs": 1})
    assert answer["status"] == "finished"
    inlining.ungroup(history, graph, use.id)
    assert states(look(history.document, other)) == {"kept"}
    assert states(look(project(), other)) == {"kept"}


def test_a_project_made_anew_by_a_script_is_matched_by_names(run: Path) -> None:
    text = format.dumps(project())
    for number in range(60):
        text = text.replace(f'"n{number}"', f'"fresh{number}"')
    text = text.replace('"g1"', '"gx"')
    assert states(look(format.loads(text), run)) == {"kept"}


def test_what_grew_is_new_and_can_be_widened(run: Path, history: History) -> None:
    graph = history.document.of_kind("network")[0]
    conv = graph.named("conv1")
    assert conv is not None
    edits.set_parameters(history, graph, [conv.id], {"out_channels": 9})
    report = by_name(look(history.document, run))
    stem = report["conv1.weight"]
    assert (stem["state"], stem["grown"]) == ("new", True)
    assert stem["reason"] == "4×1×3×3 in the run, 9×1×3×3 now."
    assert report["norm1.running_var"]["reason"] == "4 in the run, 9 now."
    assert report["conv2.weight"]["state"] == "new"
    assert report["classifier.weight"]["state"] == "kept"
    wide = by_name(look(history.document, run, widen=True))
    assert wide["conv1.weight"]["state"] == wide["conv2.weight"]["state"] == "widened"
    plan = planning.make(history.document)
    fresh = {k: v.clone() for k, v in plan.networks["main"].state_dict().items()}
    found = carrying.find(history.document, plan.networks, Wish(run, widen=True))
    taking.give(found.report, found.saved, plan.networks)
    now, then = plan.networks["main"].state_dict(), found.saved["main"]
    assert torch.equal(now["conv1.weight"][:4], then["conv1.weight"])
    assert torch.equal(now["conv1.weight"][4:], fresh["conv1.weight"][4:])
    assert torch.equal(now["conv2.weight"][:, :4], then["conv2.weight"])
    assert torch.equal(now["norm1.running_mean"][:4], then["norm1.running_mean"])


def test_what_shrank_is_new_and_can_not_be_widened(run: Path, history: History) -> None:
    graph = history.document.of_kind("network")[0]
    conv = graph.named("conv1")
    assert conv is not None
    edits.set_parameters(history, graph, [conv.id], {"out_channels": 3})
    stem = by_name(look(history.document, run, widen=True))["conv1.weight"]
    assert (stem["state"], stem["grown"]) == ("new", False)


def test_what_is_gone_is_lost(run: Path, history: History) -> None:
    graph = history.document.of_kind("network")[0]
    norm = graph.named("norm2")
    assert norm is not None
    edits.delete(history, graph, [norm.id], reconnect=True, ports_of=ports_of)
    report = look(history.document, run)
    lost = [item for item in report["items"] if item["state"] == "lost"]
    assert {item["part"] for item in lost} == {"main.norm2"}
    assert report["numbers"]["lost"] == 4 * 6 + 1


def test_parts_can_be_chosen(run: Path, history: History) -> None:
    report = look(history.document, run, keep=("main.conv1", "main.norm1"))
    kept = {item["part"] for item in report["items"] if item["state"] == "kept"}
    assert kept == {"main.conv1", "main.norm1"}
    assert by_name(report)["conv2.weight"]["reason"] == "Left out."
    assert states(look(history.document, run, keep=("main",))) == {"kept"}
    assert states(look(history.document, run, keep=())) == {"new"}
    with pytest.raises(RunError, match=r"no part 'main\.conv'") as caught:
        look(history.document, run, keep=("main.conv",))
    assert "Did you mean main.conv" in caught.value.hint


def test_a_part_is_no_beginning_of_a_name(run: Path, history: History) -> None:
    graph = history.document.of_kind("network")[0]
    conv = graph.named("conv2")
    assert conv is not None
    edits.rename(history, graph, conv.id, "conv10")
    report = look(history.document, run, keep=("main.conv1",))
    assert {item["part"] for item in report["items"] if item["state"] == "kept"} == {"main.conv1"}


# -- what a training makes of it ---------------------------------------------------------------


@pytest.mark.parametrize("kind", ["best", "last"])
def test_the_first_evaluation_equals_that_of_the_run_bit_for_bit(
    run: Path, history: History, tmp_path: Path, kind: Any
) -> None:
    rename_all(history)
    document = overrides.apply(history.document, {**SHORT, "training.seed": 7})
    # The split and the order of evaluation follow the seed of the data, not that of the run.
    plan = planning.make(document)
    folder = RunFolder(tmp_path / "next")
    origin = carrying.begin(document, plan.networks, Wish(run, checkpoint=kind), folder)
    assert origin["checkpoint"] == kind
    torch.set_num_threads(1)
    reporter = Reporter(folder, lambda event: None)
    metrics = Run(plan, folder, Control(), reporter, torch.device("cpu")).evaluate()
    expected = {key: value for key, value in origin["metrics"].items() if key.startswith("val/")}
    assert expected
    assert {key: metrics[key] for key in expected} == expected


def test_a_training_starts_there_and_tells_it(run: Path, tmp_path: Path) -> None:
    values = {**SHORT, "training.epochs": 1}
    answer = tasks.train(project(), tmp_path / "a", overrides=values, wish=Wish(run))
    fresh = tasks.train(project(), tmp_path / "b", overrides=values)
    assert answer["metrics"]["val/loss"] < fresh["metrics"]["val/loss"]
    origin = json.loads((tmp_path / "a" / "origin.json").read_text())
    assert origin["run"] == str(run)
    assert origin["numbers"] == answer["origin"]["numbers"]
    assert origin["optimizer"] == "new"
    start = load_file(tmp_path / "a" / "start" / "0.safetensors")
    saved = checkpoints.networks(RunFolder(run).read_checkpoint("best")[0])["main"]
    assert all(torch.equal(start[name], saved[name]) for name in saved)
    assert not (tmp_path / "b" / "origin.json").exists()
    with pytest.raises(RunError, match="holds a run already"):
        tasks.train(project(), tmp_path / "a", overrides=values, wish=Wish(run))


def weights(run: Path) -> dict[str, torch.Tensor]:
    return checkpoints.networks(RunFolder(run).read_checkpoint("last")[0])["main"]


def test_a_run_killed_before_its_first_checkpoint_starts_there_again(
    run: Path, tmp_path: Path
) -> None:
    values = {**SHORT, "training.epochs": 1}
    source = tmp_path / "source"
    shutil.copytree(run, source)
    tasks.train(project(), tmp_path / "a", overrides=values, wish=Wish(source))
    tasks.train(project(), tmp_path / "b", overrides=values, wish=Wish(source))
    shutil.rmtree(source)
    shutil.rmtree(tmp_path / "b" / "checkpoints")
    (tmp_path / "b" / "checkpoints").mkdir()
    answer = tasks.train(project(), tmp_path / "b", overrides=values, resume=True)
    assert answer["status"] == "finished"
    first, second = weights(tmp_path / "a"), weights(tmp_path / "b")
    assert all(torch.equal(first[name], second[name]) for name in first)
    shutil.rmtree(tmp_path / "b" / "checkpoints")
    (tmp_path / "b" / "checkpoints").mkdir()
    start = tmp_path / "b" / "start" / "0.safetensors"
    start.write_bytes(start.read_bytes()[:-1])
    with pytest.raises(RunError, match="damaged"):
        tasks.train(project(), tmp_path / "b", overrides=values, resume=True)


def test_from_python(run: Path, tmp_path: Path) -> None:
    other = nb.Project(project())
    done = nb.train(
        other, tmp_path / "a", from_run=run, keep=["main.conv1"], epochs=1, threads=1, device="cpu"
    )
    origin = json.loads((done.path / "origin.json").read_text())
    assert origin["keep"] == ["main.conv1"]
    kept = {item["part"] for item in origin["items"] if item["state"] == "kept"}
    assert kept == {"main.conv1"}


def test_a_look_uses_no_chance(run: Path) -> None:
    before = torch.get_rng_state()
    look(project(), run)
    assert torch.equal(before, torch.get_rng_state())


# -- networks within networks ------------------------------------------------------------------


def two_networks() -> nb.Project:
    """An encoder that another network calls, and that network with a head of its own."""
    made = nb.Project()
    encoder = made.add_network("encoder")
    x = encoder.add("netbuilder.Input", shape=(1, 8, 8))
    flat = encoder.add("torch.nn.Flatten")
    y = encoder.add("torch.nn.Linear", name="code", out_features=5)
    out = encoder.add("netbuilder.Output")
    for a, b in ((x, flat), (flat, y), (y, out)):
        encoder.connect(a, b)
    whole = made.add_network("whole")
    x = whole.add("netbuilder.Input", shape=(1, 8, 8))
    call = whole.add("netbuilder.NetworkCall", name="inner", network="encoder")
    head = whole.add("torch.nn.Linear", name="head", out_features=10)
    out = whole.add("netbuilder.Output")
    for a, b in ((x, call), (call, head), (head, out)):
        whole.connect(a, b)
    return made


def test_a_called_network_is_told_once(tmp_path: Path) -> None:
    made = two_networks()
    nb.train(made, tmp_path / "run")
    report = look(made.document, tmp_path / "run")
    places = [(item["network"], item["name"]) for item in report["items"]]
    assert sorted(places) == [
        ("encoder", "code.bias"),
        ("encoder", "code.weight"),
        ("whole", "head.bias"),
        ("whole", "head.weight"),
    ]
    graphs.rename(made.history, made.network("encoder").graph, "eye")
    assert states(look(made.document, tmp_path / "run")) == {"kept"}


# -- random edits ----------------------------------------------------------------------------


class Edits:
    """Edits that a person makes between two runs; the project stays one that can be built."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.history = History(project())
        self.grown: set[str] = set()

    @property
    def network(self) -> Any:
        return self.history.document.of_kind("network")[0]

    def edit(self) -> None:
        chance, history, graph = self.random, self.history, self.network
        place = chance.choice([graph, *history.document.of_kind("block")])
        nodes = [node for node in place.ordered() if node.layer.startswith("torch.nn.")]
        what = chance.choice(["rename", "rename", "group", "ungroup", "undo", "insert", "grow"])
        if what == "rename":
            node = chance.choice(place.ordered())
            edits.rename(history, place, node.id, f"name{chance.randrange(10**6)}")
        elif what == "group" and nodes:
            at = chance.randrange(len(nodes))
            chosen = [node.id for node in nodes[at : at + chance.randrange(1, 4)]]
            grouping.group(history, place, chosen, ports_of, name="Part")
        elif what == "ungroup":
            uses = [node for node in place.ordered() if node.layer == "netbuilder.Block"]
            if uses:
                inlining.ungroup(history, place, chance.choice(uses).id)
        elif what == "undo":
            history.undo()
        elif what == "insert" and place.wires:
            wire = chance.choice(sorted(place.wires))
            edits.insert_layer(history, place, wire, "torch.nn.Tanh", None, ports_of)
        elif what == "grow":
            convs = [node for node in nodes if node.layer == "torch.nn.Conv2d"]
            if convs:
                node = chance.choice(convs)
                size = chance.choice([3, 4, 6, 8])
                edits.set_parameters(history, place, [node.id], {"out_channels": size})


@pytest.mark.parametrize("seed", range(2))
def test_random_edits_never_lose_or_double_a_tensor(run: Path, seed: int) -> None:
    walk(run, seed, 12)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(10, 20))
def test_long_walks_never_lose_or_double_a_tensor(run: Path, seed: int) -> None:
    walk(run, seed, 60)


def walk(run: Path, seed: int, steps: int) -> None:
    saved = weights(run)
    work = Edits(seed)
    looked = 0
    for _ in range(steps):
        try:
            work.edit()
        except ChangeError:
            continue
        document = work.history.document
        try:
            report = look(document, run, checkpoint="last")
        except NetbuilderError:
            continue  # the edits made something that can't be built
        looked += 1
        items = report["items"]
        now = [(item["network"], item["name"]) for item in items if item["name"]]
        then = [item["was"] for item in items if item["was"]]
        networks = build.build_networks(document)
        own = {(n, k): v for n, m in networks.items() for k, v in m.state_dict().items()}
        assert sorted(now) == sorted(own)
        assert sorted(then) == sorted(saved)
        # Nothing was removed: every tensor is found again, kept or of another size.
        assert "lost" not in states(report), [i for i in items if i["state"] == "lost"]
        found = carrying.find(document, networks, Wish(run, checkpoint="last"))
        taking.give(found.report, found.saved, networks)
        for item in items:
            tensor = networks[item["network"]].state_dict()[item["name"]]
            same = tuple(tensor.shape) == tuple(saved[item["was"]].shape)
            assert (item["state"] == "kept") == same
            if same:
                assert torch.equal(tensor, saved[item["was"]])
    assert looked > steps // 3


# -- asked by the window -----------------------------------------------------------------------


def test_a_wish_in_a_request() -> None:
    value = {"run": "/r", "keep": ["main.conv1"], "widen": True, "checkpoint": "last"}
    assert Wish.from_json(value) == Wish(Path("/r"), ("main.conv1",), True, "last")
    assert Wish.from_json({"run": "/r", "keep": None, "checkpoint": "odd"}) == Wish(Path("/r"))
    assert Wish.from_json({"run": "/r", "keep": []}) == Wish(Path("/r"), ())
    for nothing in (None, {}, {"run": ""}, 3):
        assert Wish.from_json(nothing) is None


def test_a_block_used_three_times_keeps_the_first_when_used_once(tmp_path: Path) -> None:
    made = nb.Project()
    block = made.add_block("Layer")
    x = block.add("netbuilder.BlockInput", name="input")
    inner = block.add("torch.nn.Linear", name="inner", out_features=4)
    out = block.add("netbuilder.Output")
    block.connect(x, inner)
    block.connect(inner, out)
    net = made.add_network("main")
    x = net.add("netbuilder.Input", shape=(4,))
    use = net.add("netbuilder.Block", name="stack", block="Layer", repeat=3)
    out = net.add("netbuilder.Output")
    net.connect(x, use)
    net.connect(use, out)
    nb.train(made, tmp_path / "three")
    assert states(look(made.document, tmp_path / "three")) == {"kept"}
    use.set(repeat=5)
    report = look(made.document, tmp_path / "three")
    kept = [item["was"] for item in report["items"] if item["state"] == "kept"]
    assert len(kept) == 6
    assert report["numbers"]["new"] == 2 * (16 + 4)
    use.set(repeat=None)
    report = look(made.document, tmp_path / "three")
    found = by_name(report)["stack.inner.weight"]
    assert (found["state"], found["was"]) == ("kept", "stack.0.inner.weight")
    assert len([item for item in report["items"] if item["state"] == "lost"]) == 4
