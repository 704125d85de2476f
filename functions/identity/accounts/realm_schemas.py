"""Bodies of the internal routes by which the blog's facade keeps accounts of its own realm."""

from typing import Annotated

from pydantic import Field, StringConstraints

from tessera.types import In, Out, Patch, Ulid, absent, text

from .schemas import TokenText

# As far as the contract of the facade goes; what is an address, or a password, the action says.
Username = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$", min_length=1, max_length=64)]
AnyEmail = Annotated[str, text(320)]
AnyPassword = Annotated[str, Field(min_length=1, max_length=1_000)]


class RealmUserIn(In):
    username: Username
    email: AnyEmail
    password: AnyPassword


class RealmLoginIn(In):
    email: AnyEmail
    password: AnyPassword


class RealmPatch(Patch):
    username: Username = absent()
    email: AnyEmail = absent()
    password: AnyPassword = absent()


class RealmMintIn(In):
    """Nothing is asked for but the account itself."""


class RealmUserOut(Out):
    """`username` is null for somebody without a handle; `token` is there where one was made."""

    user_id: Ulid
    username: Annotated[str, Field(max_length=64)] | None
    name: Annotated[str, Field(max_length=120)] | None
    email: Annotated[str, Field(max_length=320)] | None
    realm: Annotated[str, Field(max_length=20)] | None
    epoch: int
    is_active: bool
    token: TokenText | None = None
