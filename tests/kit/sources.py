"""What source files say, for tests that read the tree: each text is parsed once, whoever asks."""

import ast
from functools import cache


@cache
def nodes(text: str) -> tuple[ast.AST, ...]:
    """Every node of this text."""
    return tuple(ast.walk(ast.parse(text)))
