"""Objects that clients fetch by themselves, by a link that carries its own permission.

This is the one place that presigns. Always with Signature Version 4: what a default client would choose is the
older version, which new regions refuse and local clouds do not check.
"""

from urllib.parse import quote

from tessera import aws

MAX_LINK_SECONDS = 7 * 86_400


def download_link(bucket: str, key: str, *, seconds: int, filename: str, media_type: str) -> str:
    """A link to this object, which saves it under this name. No request.

    It is good for `seconds`, or until the credentials of the function expire, if that is sooner; so a link is
    made when it is asked for, and not kept. Raises `ValueError` for more seconds than the signature allows.
    """
    if not 1 <= seconds <= MAX_LINK_SECONDS:
        raise ValueError(f"A link is good for 1 to {MAX_LINK_SECONDS} seconds.")
    parameters = {
        "Bucket": bucket,
        "Key": key,
        "ResponseContentDisposition": f"attachment; filename*=UTF-8''{quote(filename, safe='')}",
        "ResponseContentType": media_type,
    }
    client = aws.client("s3", signature_version="s3v4")
    link: str = client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds)
    return link
