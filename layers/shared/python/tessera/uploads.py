"""Objects that clients send and fetch by themselves, by links that carry their own permission.

This is the one place that presigns. Always with Signature Version 4: what a default client would choose is the
older version, which new regions refuse and local clouds do not check.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from tessera import aws

MAX_LINK_SECONDS = 7 * 86_400


@dataclass(frozen=True)
class Signed:
    """How to send an object: where, and with which headers or form fields, none of which may be changed."""

    method: str
    url: str
    seconds: int
    headers: dict[str, str] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)


def download_link(
    bucket: str, key: str, *, seconds: int, filename: str, media_type: str, disposition: str | None = None
) -> str:
    """A link to this object, which saves it under this name, or as `disposition` says. No request.

    It is good for `seconds`, or until the credentials of the function expire, if that is sooner; so a link is
    made when it is asked for, and not kept. Raises `ValueError` for more seconds than the signature allows.
    """
    named = disposition or f"attachment; filename*=UTF-8''{quote(filename, safe='')}"
    parameters = {
        "Bucket": bucket,
        "Key": key,
        "ResponseContentDisposition": named,
        "ResponseContentType": media_type,
    }
    return _link("get_object", parameters, seconds)


def put_link(
    bucket: str,
    key: str,
    *,
    seconds: int,
    media_type: str,
    size: int,
    sha256: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Signed:
    """A link to put an object of exactly this size and type, and of this base64 SHA-256 when one is given. No request.

    The length is signed, because that is all that holds a PUT to it.
    """
    parameters: dict[str, Any] = {"Bucket": bucket, "Key": key, "ContentType": media_type, "ContentLength": size}
    headers = {"Content-Type": media_type, "Content-Length": str(size)}
    for name, value in (metadata or {}).items():
        headers[f"x-amz-meta-{name}"] = value
    if metadata:
        parameters["Metadata"] = dict(metadata)
    if sha256 is not None:
        parameters["ChecksumSHA256"] = headers["x-amz-checksum-sha256"] = sha256
    return Signed("PUT", _link("put_object", parameters, seconds), seconds, headers=headers)


def part_link(bucket: str, key: str, *, upload_id: str, number: int, seconds: int) -> str:
    """A link to put one part of an upload. No request."""
    parameters = {"Bucket": bucket, "Key": key, "UploadId": upload_id, "PartNumber": number}
    return _link("upload_part", parameters, seconds)


def post_form(
    bucket: str,
    key: str,
    *,
    seconds: int,
    media_type: str,
    sizes: tuple[int, int],
    metadata: Mapping[str, str] | None = None,
) -> Signed:
    """A form to send an object of this type and of a size between these two. No request.

    Unlike a link to PUT, its policy lets the store itself hold the size where the client has not said it.
    """
    _hold(seconds)
    fields = {"Content-Type": media_type, "success_action_status": "201"}
    fields.update({f"x-amz-meta-{name}": value for name, value in (metadata or {}).items()})
    conditions: list[Any] = [{name: value} for name, value in fields.items()]
    conditions.append(["content-length-range", *sizes])
    form = _client().generate_presigned_post(bucket, key, Fields=fields, Conditions=conditions, ExpiresIn=seconds)
    return Signed("POST", str(form["url"]), seconds, fields=dict(form["fields"]))


def _link(operation: str, parameters: dict[str, Any], seconds: int) -> str:
    _hold(seconds)
    link: str = _client().generate_presigned_url(operation, Params=parameters, ExpiresIn=seconds)
    return link


def _hold(seconds: int) -> None:
    if not 1 <= seconds <= MAX_LINK_SECONDS:
        raise ValueError(f"A link is good for 1 to {MAX_LINK_SECONDS} seconds.")


def _client() -> Any:
    # By default a link names the global host, which answers for a bucket of another region with a redirect that the
    # signature does not survive.
    return aws.client("s3", signature_version="s3v4", s3={"addressing_style": "virtual"})
