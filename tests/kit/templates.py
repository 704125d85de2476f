"""The project's templates as data, with CloudFormation's short forms kept as plain mappings."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]


class _Loader(yaml.SafeLoader):
    pass


def _short_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        return {name: value.split(".", 1) if suffix == "GetAtt" else value}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {name: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _short_form)


@cache
def template(name: str) -> dict[str, Any]:
    """`template`, `stores`, `messages` or `alarms`."""
    loaded: dict[str, Any] = yaml.load((ROOT / f"{name}.yaml").read_text(), Loader=_Loader)
    return loaded


def resources(name: str, kind: str = "") -> dict[str, dict[str, Any]]:
    found = template(name)["Resources"]
    return {key: value for key, value in found.items() if not kind or value["Type"] == kind}
