"""Setting providers up, for staff."""

from typing import Annotated

from fastapi import Response

from tessera import auth
from tessera.auth.principal import Principal
from tessera.auth.problems import FactorRequired, StepUpRequired
from tessera.entry import Router, problems
from tessera.entry.headers import IfMatch, required_version, show_version
from tessera.etags import StaleVersion, VersionRequired
from tessera.problems import InvalidRequest

from ..accounts import JUST_NOW
from ..actions import manage
from ..config import OauthSettings
from ..rules.problems import ProviderUnknown
from ..rules.providers import Provider
from ..schemas import CheckOut, ManagedOut, ManagedProvidersOut, ProviderIn, ProviderOut, TestOut
from .shared import PREFIX, TAGS, Asked, Bound, ProviderName

router = Router(prefix=f"{PREFIX}/admin/providers", tags=TAGS)
Manager = Annotated[Principal, auth.require("oauth:manage", kinds=("user",))]
Setter = Annotated[Principal, auth.require("oauth:manage", kinds=("user",), fresh=JUST_NOW)]
Tester = Annotated[Principal, auth.require("oauth:manage", kinds=("user",), rate="expensive")]


@router.get("")
async def list_all_providers(caller: Manager, ports: Bound) -> ManagedProvidersOut:
    """Every provider, those that are switched off too."""
    return ManagedProvidersOut(
        items=[
            ManagedOut(
                id=one.id, name=one.name, kind=one.kind, icon=one.icon, enabled=one.enabled, built_in=one.is_built_in
            )
            for one in ports.providers.all()
        ]
    )


@router.get("/{provider}", responses=problems(ProviderUnknown))
async def get_provider(provider: ProviderName, caller: Manager, ports: Bound, response: Response) -> ProviderOut:
    """How a provider is set up. Its secret is never shown."""
    return _shown(ports.providers.read(provider), ports.settings, response)


@router.put(
    "/{provider}",
    responses=problems(InvalidRequest, VersionRequired, StaleVersion, ProviderUnknown, StepUpRequired, FactorRequired),
)
async def put_provider(
    provider: ProviderName,
    body: ProviderIn,
    caller: Setter,
    ports: Bound,
    call: Asked,
    response: Response,
    if_match: IfMatch = None,
) -> ProviderOut:
    """Set a provider up: a new one without `If-Match`, one that is there with the version you read."""
    values = body.model_dump(exclude={"client_secret"}, exclude_none=True)
    expect = required_version(if_match) if if_match else None
    saved = manage.save(ports, provider, values, secret=body.client_secret, expect=expect, caller=caller, call=call)
    return _shown(saved, ports.settings, response)


@router.post("/{provider}/test", responses=problems(ProviderUnknown))
async def test_provider(provider: ProviderName, caller: Tester, ports: Bound) -> TestOut:
    """Ask the provider what it publishes, and say what of it can be used."""
    checks = manage.test(ports, provider)
    return TestOut(
        ok=all(check.ok for check in checks),
        checks=[CheckOut(name=check.name, ok=check.ok, detail=check.detail) for check in checks],
    )


def _shown(provider: Provider, settings: OauthSettings, response: Response) -> ProviderOut:
    show_version(response, provider.version)
    told = {name: getattr(provider, name) for name in ProviderOut.model_fields if hasattr(provider, name)}
    lists = {name: list(value) for name, value in told.items() if isinstance(value, tuple)}
    more = {
        "built_in": provider.is_built_in,
        "has_secret": provider.secret is not None,
        "redirect_uri": settings.redirect_uri(provider.id),
    }
    return ProviderOut.model_validate({**told, **lists, **more})
