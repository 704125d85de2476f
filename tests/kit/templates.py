"""The project's templates as data, read once."""

from functools import cache
from typing import Any

from tools import templates
from tools.paths import ROOT as ROOT


@cache
def template(name: str) -> dict[str, Any]:
    """`template`, `stores`, `messages` or `alarms`."""
    return templates.load(name)


def resources(name: str, kind: str = "") -> dict[str, dict[str, Any]]:
    found = template(name)["Resources"]
    return {key: value for key, value in found.items() if not kind or value["Type"] == kind}
