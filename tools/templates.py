"""The project's templates as data, with CloudFormation's short forms kept as plain mappings."""

from functools import cache
from typing import Any

import yaml

try:
    # The same words, ten times as fast.
    from yaml import CSafeLoader as SafeLoader
except ImportError:
    from yaml import SafeLoader  # type: ignore[assignment]

from tools.paths import ROOT

NAMES = ("template", "stores", "messages", "alarms")


class _Loader(SafeLoader):
    """A loader of its own, so that the short forms are known here and nowhere else."""


def _short_form(loader: SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
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
def load(name: str) -> dict[str, Any]:
    """`template`, `stores`, `messages` or `alarms`; who reads it does not change it."""
    return parse((ROOT / f"{name}.yaml").read_text())


def parse(text: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(text, Loader=_Loader)
    return loaded


def as_deployed(part: Any) -> Any:
    """The same with every `!If` decided as for a stage that lasts."""
    if isinstance(part, list):
        return [as_deployed(each) for each in part]
    if not isinstance(part, dict):
        return part
    if set(part) == {"Fn::If"}:
        condition, then, otherwise = part["Fn::If"]
        return as_deployed(otherwise if condition == "Local" else then)
    return {name: as_deployed(each) for name, each in part.items()}


def resources(name: str, kind: str = "") -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = load(name)["Resources"]
    return {key: value for key, value in found.items() if not kind or value["Type"] == kind}
