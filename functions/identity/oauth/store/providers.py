"""Providers as they were configured, and what they have published."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any, Self

from tessera import clock
from tessera.etags import StaleVersion, VersionRequired
from tessera.expressions import is_new
from tessera.outbox import Event
from tessera.settings import Bindings
from tessera.tables import Table
from tessera.transact import putting, transact

from ..config import OauthSettings
from ..rules.problems import ProviderUnknown
from ..rules.providers import Kind, Provider
from .rows import CONFIG, DISCOVERY, PROVIDERS, DiscoveryRow, ListedRow, ProviderRow, provider_pk

MAX_PROVIDERS = 100
# For so long another container may go on with what a provider was before.
HOLD_MS = 30_000
# They are attributes of the item or belong to the process, not to the configuration.
_APART = frozenset(["id", "secret", "version", "is_built_in"])


class ProviderStore:
    """Built-in providers come before configured ones of the same id."""

    def __init__(self, table: Table, built_in: Sequence[Provider] = ()) -> None:
        self.table = table
        self.built_in = {provider.id: provider for provider in built_in}
        self._held: dict[str, tuple[int, Provider]] = {}
        self._listed: tuple[int, list[Provider]] | None = None

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        from ..demo import providers

        settings = bindings.settings(OauthSettings)
        return cls(Table(settings.table), providers(settings.demo_providers) if settings.is_local else [])

    def get(self, provider_id: str) -> Provider:
        """The provider, if one may sign in with it. 1 read in half a minute. Raises `ProviderUnknown`."""
        held_at, held = self._held.get(provider_id, (0, None))
        if held is None or not 0 <= clock.millis() - held_at < HOLD_MS:
            held = self.read(provider_id)
            self._held[provider_id] = clock.millis(), held
        if not held.enabled:
            raise ProviderUnknown()
        return held

    def read(self, provider_id: str) -> Provider:
        """The provider as it is now, whether or not it is in use. 1 read. Raises `ProviderUnknown`."""
        if provider_id in self.built_in:
            return self.built_in[provider_id]
        row = self.table.get(ProviderRow, provider_pk(provider_id), CONFIG)
        if row is None:
            raise ProviderUnknown()
        return provider_of(provider_id, row)

    def listed(self) -> list[Provider]:
        """Every provider, without its details. 1 query in half a minute."""
        if self._listed is None or not 0 <= clock.millis() - self._listed[0] < HOLD_MS:
            self._listed = clock.millis(), self.all()
        return self._listed[1]

    def all(self) -> list[Provider]:
        """1 query."""
        rows = self.table.query(ListedRow, PROVIDERS, limit=MAX_PROVIDERS).rows
        found = [
            Provider(row.sk, row.name, Kind(row.kind), client_id="", icon=row.icon, enabled=bool(row.enabled))
            for row in rows
            if row.sk not in self.built_in
        ]
        return [*self.built_in.values(), *found]

    def save(self, provider: Provider, *, expect: int | None, event: Event) -> Provider:
        """Write a provider, new where `expect` is None. 1 transaction.

        Raises `StaleVersion`, `VersionRequired`.
        """
        after = replace(provider, version=1 if expect is None else expect + 1)
        config = {name: value for name, value in asdict(after).items() if name not in _APART}
        row = ProviderRow(
            pk=provider_pk(after.id), sk=CONFIG, config=config, secret=after.secret, version=after.version
        )
        listed = ListedRow(
            pk=PROVIDERS, sk=after.id, name=after.name, kind=after.kind.value, icon=after.icon, enabled=after.enabled
        )
        only_if = is_new() if expect is None else ProviderRow.version == expect
        refused = _exists if expect is None else _changed
        transact(
            putting(self.table, row, only_if=only_if, event=event, refused=refused),
            putting(self.table, listed),
        )
        self._held.pop(after.id, None)
        self._listed = None
        return after

    def discovery(self, provider_id: str) -> DiscoveryRow | None:
        """1 read."""
        return self.table.get(DiscoveryRow, provider_pk(provider_id), DISCOVERY, consistent=False)

    def keep_discovery(self, provider_id: str, row: DiscoveryRow) -> None:
        """1 write."""
        row.pk, row.sk = provider_pk(provider_id), DISCOVERY
        self.table.put(row)


def provider_of(provider_id: str, row: ProviderRow) -> Provider:
    config: Mapping[str, Any] = row.config
    known = {field.name for field in fields(Provider)}
    # JSON knows lists only, and what a later version of the code has written may hold more than we know.
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in config.items() if name in known
    }
    values["kind"] = Kind(values["kind"])
    return Provider(id=provider_id, secret=row.secret, version=int(row.version), **values)


def _exists(row: ProviderRow | None) -> Exception:
    return VersionRequired("There is a provider of this id. Read it, then send its ETag.")


def _changed(row: ProviderRow | None) -> Exception:
    if row is None:
        return ProviderUnknown()
    return StaleVersion(f"It is at version {int(row.version)} now. Read it again.")
