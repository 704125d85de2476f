"""What the routes of `files` are given: who asks, the ports, and the keys of cursors and retries."""

from typing import Annotated

from fastapi import Depends, Request

from tessera import auth
from tessera.auth.principal import Principal
from tessera.entry import bound
from tessera.entry.bound import bindings_of
from tessera.entry.signing import Signing
from tessera.settings import Settings
from tessera.uploads import Signed

from ..actions.create import checksum
from ..ports import Ports
from ..rules.files import Content, State, Way, part_size
from ..schemas.files import UploadOut

Reader = Annotated[Principal, auth.require("files:read")]
Writer = Annotated[Principal, auth.require("files:write")]
Manager = Annotated[Principal, auth.require("files:manage")]
# The plugin asks for its form by GET, which makes a file all the same.
FormWriter = Annotated[Principal, auth.require("files:write", rate=auth.limit("write"))]
Anybody = Annotated[Principal, auth.public()]
# Following a link is reading, and many may share one address. Passwords have a lock of their own.
Follower = Annotated[Principal, auth.public(rate=auth.limit("read"))]
Bound = Annotated[Ports, bound(Ports)]
Keys = Annotated[Signing, bound(Signing)]


async def _base(request: Request) -> str:
    return bindings_of(request).settings(Settings).public_base_url.rstrip("/")


BaseURL = Annotated[str, Depends(_base)]


def upload_out(ports: Ports, content: Content) -> UploadOut | None:
    """How to send a version, for as long as it has not come."""
    if content.state is not State.PENDING or content.declared is None:
        return None
    if content.way is Way.MULTIPART:
        size = part_size(content.declared)
        return UploadOut(
            method=content.way,
            key=content.key,
            upload_id=content.upload_id,
            part_size=size,
            parts=-(-content.declared // size),
        )
    signed: Signed
    if content.way is Way.POST:
        signed = ports.objects.post_form(content, content.declared)
        return UploadOut(method=content.way, url=signed.url, fields=signed.fields, expires=signed.seconds)
    signed = ports.objects.put_link(content, checksum(content.sha256))
    return UploadOut(method=content.way, url=signed.url, headers=signed.headers, expires=signed.seconds)
