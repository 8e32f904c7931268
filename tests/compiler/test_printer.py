"""The printer against ruff: what it writes, ruff leaves as it is."""

from __future__ import annotations

import ast
import subprocess
import sys
from random import Random

import pytest

from netbuilder.compiler import printer


def ruff_formatted(source: str) -> str:
    """The source as ruff's formatter leaves it with its own settings."""
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "-"]
    return subprocess.run(command, input=source, capture_output=True, text=True, check=True).stdout


def name(r: Random) -> ast.expr:
    return ast.Name("v" * r.choice([1, 3, 8, 20]) + str(r.randint(0, 9)), ast.Load())


def expression(r: Random, depth: int) -> ast.expr:
    """A random expression of the kinds that the compiler writes."""

    def some(least: int, most: int) -> list[ast.expr]:
        return [expression(r, depth - 1) for _ in range(r.randint(least, most))]

    leaves = ["name", "literal"]
    kinds = ["call", "call", "attribute", "sum", "tuple", "list", "part", "method", "minus", "less"]
    match r.choice(leaves + kinds if depth else leaves):
        case "name":
            return name(r)
        case "literal":
            return ast.Constant(r.choice([1, 64, 0.5, 1e-5, "same", "it's", 'a"b', True, None]))
        case "call":
            words = [
                ast.keyword(f"kw_{i}" + "x" * r.choice([0, 10]), expression(r, depth - 1))
                for i in range(r.randint(0, 4))
            ]
            head = ast.Attribute(ast.Name("nn", ast.Load()), "Module" * r.choice([1, 2, 4]))
            return ast.Call(head, some(0, 4), words)
        case "attribute":
            return ast.Attribute(name(r), "attribute", ast.Load())
        case "sum":
            operators = [ast.Add, ast.Sub, ast.Mult, ast.Div, ast.MatMult, ast.FloorDiv, ast.Pow]
            return ast.BinOp(
                expression(r, depth - 1), r.choice(operators)(), expression(r, depth - 1)
            )
        case "tuple":
            return ast.Tuple(some(1, 4), ast.Load())
        case "list":
            return ast.List(some(0, 4), ast.Load())
        case "part":
            bound = ast.BinOp(name(r), ast.Add(), ast.Constant(1))
            every: list[ast.expr] = [
                ast.Constant(0),
                ast.Slice(None, ast.Constant(3)),
                ast.Tuple([ast.Slice(), ast.Constant(1)], ast.Load()),
                ast.Slice(name(r), bound),
            ]
            return ast.Subscript(name(r), r.choice(every), ast.Load())
        case "method":
            return ast.Call(ast.Attribute(name(r), "mean", ast.Load()), some(1, 1), [])
        case "minus":
            return ast.UnaryOp(ast.USub(), name(r))
    return ast.Compare(name(r), [ast.Lt()], [name(r)])


def tree_of(text: str) -> str:
    return ast.dump(ast.parse(text, mode="eval").body)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_ruff_leaves_random_statements_as_they_are(depth: int) -> None:
    statements, long = [], 0
    for seed in range(300):
        tree = expression(Random(f"{depth} {seed}"), depth)
        text = printer.unparse(tree)
        assert tree_of(text) == tree_of(ast.unparse(ast.fix_missing_locations(tree)))
        lines = printer.assignment("self.conv", text, 0)
        long += len(lines) > 1
        statements.append("\n".join(lines))
    assert long > 10 * depth
    source = "\n".join(statements) + "\n"
    assert ruff_formatted(source) == source


@pytest.mark.parametrize("count", [1, 3, 9])
@pytest.mark.parametrize("length", [5, 40])
def test_signatures_results_and_targets(count: int, length: int) -> None:
    names = [f"{'argument' * 8}"[:length] + str(i) for i in range(count)]
    rows = printer.signature("def forward", ["self", *names], " -> torch.Tensor:", 1)
    body = printer.assignment(", ".join(names), f"self.split({names[0]})", 2)
    body += printer.returned(", ".join(names), 2)
    lines = ["class Net:", *("    " + row for row in rows), *("        " + row for row in body)]
    source = "\n".join(lines) + "\n"
    assert ruff_formatted(source) == source


def test_comprehensions() -> None:
    call = "Unit(in_channels=width, channels=width, stride=2, expansion=4, groups=32)"
    for count in ("depth", "a_rather_long_name_of_a_number - 1"):
        value = f"nn.Sequential(First(), *({call} for _ in range({count})))"
        source = "\n".join(printer.assignment("blocks", value, 0)) + "\n"
        assert ruff_formatted(source) == source


def test_what_the_compiler_never_writes_is_refused() -> None:
    with pytest.raises(TypeError, match="Lambda"):
        printer.unparse(ast.parse("lambda: 0", mode="eval").body)
