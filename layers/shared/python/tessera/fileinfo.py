"""What `files` says of files that another capability is given by their ids."""

from collections.abc import Sequence
from typing import Any

from tessera.auth.internal import Internal
from tessera.auth.principal import Principal
from tessera.problems import Unavailable


def look_up(
    internal: Internal, file_ids: Sequence[str], *, reader_id: str, by: Principal | None = None
) -> dict[str, dict[str, Any]]:
    """Those that this owner may read, by their ids; a file that is not among them does not exist for them.

    1 internal call, of at most 100 ids. Raises `Unavailable`.
    """
    asked = {"ids": list(file_ids), "on_behalf_of": reader_id}
    answer = internal.call("files", "POST", "/files/internal/resolve", json=asked, on_behalf_of=by)
    if not answer.ok:
        raise Unavailable("It cannot be looked up right now whose files these are.")
    return {str(one["id"]): one for one in answer.json()["items"]}
