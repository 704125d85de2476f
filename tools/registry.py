"""The capabilities, as the tree of `functions/` tells them."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tools import templates
from tools.paths import ROOT

FUNCTION = "AWS::Serverless::Function"
# Its folder may not shadow the package `graphql`, which is a dependency.
RENAMED = {"graph": "graphql"}


@dataclass(frozen=True)
class Capability:
    """One folder under `functions/`, and the names that follow from it."""

    package: str
    domain: str
    functions: tuple[str, ...]
    routes: tuple[str, ...]
    has_table: bool

    @property
    def name(self) -> str:
        return RENAMED.get(self.package, self.package).replace("_", "-")

    @property
    def prefix(self) -> str:
        return f"/{self.name}"

    @property
    def logical_id(self) -> str:
        return pascal(self.package)

    @property
    def table(self) -> str:
        """The logical id of its table in `stores.yaml`, or nothing."""
        return self.logical_id if self.has_table else ""

    @property
    def source(self) -> str:
        return f"tessera.{self.name}"

    @property
    def folder(self) -> Path:
        return ROOT / "functions" / self.domain / self.package

    @property
    def has_app(self) -> bool:
        return (self.folder / "app.py").exists()

    @property
    def top_level(self) -> frozenset[str]:
        """First segments of the paths that reach it."""
        return frozenset(key.split(" ", 1)[-1].split("/")[1] for key in self.routes if "/" in key)


@cache
def capabilities() -> tuple[Capability, ...]:
    """Every capability, by domain and name."""
    folders = sorted(path.parent for path in (ROOT / "functions").glob("*/*/__init__.py"))
    main, stores = templates.load("template")["Resources"], templates.load("stores")["Resources"]
    functions = {key: value["Properties"] for key, value in main.items() if value["Type"] == FUNCTION}
    return tuple(_capability(folder, functions, main, stores) for folder in folders)


def named(name: str) -> Capability:
    """The capability of this name, written `gift-cards`, `gift_cards` or `GiftCards`."""
    for capability in capabilities():
        if name in (capability.name, capability.package, capability.logical_id):
            return capability
    known = ", ".join(capability.name for capability in capabilities())
    raise LookupError(f"There is no capability `{name}`. There are: {known}.")


def pascal(package: str) -> str:
    return "".join(word.title() for word in package.split("_"))


def function_name(logical_id: str, stack: str) -> str:
    """The physical name of a function, which the template states."""
    named_by: Any = templates.load("template")["Resources"][logical_id]["Properties"]["FunctionName"]
    return str(named_by["Fn::Sub"]).replace("${AWS::StackName}", stack)


def _capability(folder: Path, functions: dict[str, Any], main: dict[str, Any], stores: dict[str, Any]) -> Capability:
    domain, package = folder.parent.name, folder.name
    mine = tuple(
        key
        for key, properties in functions.items()
        if properties["CodeUri"] == f"functions/{domain}" and properties["Handler"].split(".")[0] == package
    )
    integrations = {
        key
        for key, value in main.items()
        if value["Type"] == "AWS::ApiGatewayV2::Integration"
        and any(f"${{{name}.Arn}}" in str(value["Properties"]["IntegrationUri"]) for name in mine)
    }
    routes = tuple(
        value["Properties"]["RouteKey"]
        for value in main.values()
        if value["Type"] == "AWS::ApiGatewayV2::Route"
        and any(f"${{{key}}}" in str(value["Properties"]["Target"]) for key in integrations)
    )
    return Capability(package, domain, mine, routes, pascal(package) in stores)
