"""Where a capability states a condition, and its code with a switch at each of those places.

A condition is what stands behind `only_if=` or `expect=`, also where that is a name's own value, each side of an `&`
between two conditions, each argument of `all_of`, and each part of a `Clause`. The switch hands the condition on as it
is, or leaves it out when its number is the active one.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

KEYWORDS = frozenset(["only_if", "expect"])
JOINED_BY = "all_of"
# The first argument of which are the parts of a condition of the limiter, as text.
CLAUSE = "Clause"
WHOLE, SIDES, PART = "__mutant_whole__", "__mutant_sides__", "__mutant_part__"
# Written behind a condition that no test can tell from its absence, with the reason.
WAIVER = "# No mutant:"


@dataclass(frozen=True)
class Site:
    """`number` is what the switch is asked for."""

    number: int
    path: Path
    line: int
    text: str
    waived: str = ""


def modules_of(files: Sequence[Path]) -> dict[Path, tuple[ast.Module, list[Site]]]:
    """Each of these modules with its switches, and its sites, which are numbered through all of them."""
    found: dict[Path, tuple[ast.Module, list[Site]]] = {}
    first = 1
    for path in files:
        found[path] = instrumented(path, first)
        first += len(found[path][1])
    return found


def sites_of(files: Sequence[Path]) -> list[Site]:
    return [site for _, sites in modules_of(files).values() for site in sites]


def instrumented(path: Path, first: int) -> tuple[ast.Module, list[Site]]:
    """The module with its switches, and its sites, numbered from `first` on."""
    source = path.read_text()
    switching = _Switching(path, source, first)
    tree = ast.fix_missing_locations(switching.visit(ast.parse(source)))
    return tree, switching.sites


class _Switching(ast.NodeTransformer):
    def __init__(self, path: Path, source: str, first: int) -> None:
        self._path, self._source, self._lines, self._next = path, source, source.splitlines(), first
        self.sites: list[Site] = []

    def visit_Call(self, node: ast.Call) -> ast.AST:
        for keyword in node.keywords:
            if keyword.arg in KEYWORDS and _is_own(keyword.value):
                number = self._note(keyword.value, f"{keyword.arg}={self._text(keyword.value)}")
                keyword.value = _call(WHOLE, [number], [keyword.value])
        if isinstance(node.func, ast.Name) and node.func.id == JOINED_BY:
            for position, part in enumerate(node.args):
                if _is_own(part):
                    node.args[position] = _call(WHOLE, [self._note(part, self._text(part))], [part])
        if isinstance(node.func, ast.Name) and node.func.id == CLAUSE and isinstance(node.args[0], ast.Tuple):
            parts = node.args[0].elts
            parts[:] = [_call(PART, [self._note(part, self._text(part))], [part]) for part in parts]
        self.generic_visit(node)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        if not isinstance(node.op, ast.BitAnd):
            return self.generic_visit(node)
        numbers = [self._note(side, self._text(side)) for side in (node.left, node.right)]
        self.generic_visit(node)
        return ast.copy_location(_call(SIDES, numbers, [node.left, node.right]), node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        """`only_if = ...`, which is handed on further down under its own name."""
        named = [target.id for target in node.targets if isinstance(target, ast.Name)]
        if named and named[0] in KEYWORDS and _is_own(node.value):
            node.value = _call(WHOLE, [self._note(node.value, f"{named[0]}={self._text(node.value)}")], [node.value])
        return self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        if not isinstance(node.op, ast.BitAnd) or not isinstance(node.target, ast.Name):
            return self.generic_visit(node)
        before = ast.copy_location(ast.Name(node.target.id, ast.Load()), node)
        numbers = [self._note(side, self._text(side)) for side in (before, node.value)]
        self.generic_visit(node)
        joined = _call(SIDES, numbers, [before, node.value])
        return ast.copy_location(ast.Assign([ast.Name(node.target.id, ast.Store())], joined), node)

    def _note(self, node: ast.expr, text: str) -> int:
        around = self._lines[node.lineno - 1 : (node.end_lineno or node.lineno)]
        waived = next((line.partition(WAIVER)[2].strip() for line in around if WAIVER in line), "")
        site = Site(self._next, self._path, node.lineno, " ".join(text.split()), waived)
        self.sites.append(site)
        self._next += 1
        return site.number

    def _text(self, node: ast.expr) -> str:
        return ast.get_source_segment(self._source, node) or ast.unparse(node)


def _is_own(said: ast.expr) -> bool:
    """Neither no condition at all, nor one that is only handed on and is the caller's, as in `only_if=only_if`."""
    is_none = isinstance(said, ast.Constant) and said.value is None
    return not is_none and not (isinstance(said, ast.Name) and said.id in KEYWORDS)


def _call(name: str, numbers: list[int], values: list[ast.expr]) -> ast.Call:
    """The switch's call. The values go in functions, so that a condition left out is not even computed."""
    nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    late: list[ast.expr] = [ast.Lambda(nothing, value) for value in values]
    known: list[ast.expr] = [ast.Constant(number) for number in numbers]
    return ast.copy_location(ast.Call(ast.Name(name, ast.Load()), [*known, *late], []), values[0])
