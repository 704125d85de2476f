"""Typed configuration, and what an app binds to it.

Settings and stores belong to an app, never to the process: many apps live in one process under
`make dev` and in tests, each with an environment of its own.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, Self, TypeVar, cast

from pydantic import ConfigDict, ValidationError

from tessera.types import Model


class MissingSettings(RuntimeError):
    """A variable is not set or makes no sense. The message names all of them at once."""


class Settings(Model):
    """What every capability is told. A field `table` is read from the variable `TABLE`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    stage: str = "local"
    capability: str = ""
    public_base_url: str = ""
    issuer: str = "https://tessera.local"
    server_timing: bool = True
    trusted_edge: str = ""
    edge_secret: str = ""
    web_origins: str = "*"
    version: str = "0.1.0"

    @property
    def is_local(self) -> bool:
        return self.stage == "local"

    @classmethod
    def load(cls, environment: Mapping[str, str]) -> Self:
        """Read the variables of this class; an empty one counts as absent.

        Raises `MissingSettings`, naming every variable at fault in one message.
        """
        found = {name: environment[name.upper()] for name in cls.model_fields if environment.get(name.upper())}
        try:
            return cls.model_validate(found)
        except ValidationError as error:
            faults = [
                f"{str((*fault['loc'], cls.__name__)[0]).upper()}: {fault['msg'].lower()}" for fault in error.errors()
            ]
            names = "; ".join(sorted(faults))
            raise MissingSettings(f"{cls.__name__} is incomplete. {names}. They come from template.yaml.") from None


class Bindable(Protocol):
    """What can be built from an app's bindings: a store, a port, a set of settings."""

    @classmethod
    def bind(cls, bindings: "Bindings") -> Self: ...


Bound = TypeVar("Bound", bound=Bindable)
Conf = TypeVar("Conf", bound=Settings)


class Bindings:
    """One app's environment and the objects made from it, each made on first use and kept."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self._made: dict[Any, Any] = {}

    def get(self, kind: type[Bound]) -> Bound:
        return cast(Bound, self.once(kind, lambda: kind.bind(self)))

    def settings(self, kind: type[Conf]) -> Conf:
        return cast(Conf, self.once(kind, lambda: kind.load(self.environment)))

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """`make()`, called at most once for this key."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def replace(self, kind: type[Bound], instance: Bound) -> None:
        """Use this instance from now on: how a test passes a stand-in."""
        self._made[cast(Any, kind)] = instance


def refuse_stray_endpoint(environment: Mapping[str, str]) -> None:
    """A local function without an endpoint would talk to AWS with whatever credentials it finds."""
    if environment.get("STAGE") == "local" and not environment.get("AWS_ENDPOINT_URL"):
        raise MissingSettings("STAGE is local but AWS_ENDPOINT_URL is not set. `make run` sets it; see template.yaml.")
