"""Who may do what with a file: its owner everything, others what they were let in for."""

from tessera.auth.principal import Principal
from tessera.problems import NotFound

from ..ports import Ports
from ..rules.files import File
from ..rules.problems import NotAllowed

VIEWER, EDITOR = "viewer", "editor"


def visible(ports: Ports, file_id: str, by: Principal, *, trashed: bool = False) -> File:
    """The file, for whoever may see it. 1 request, 2 for who is not its owner. Raises `NotFound`."""
    file, _ = _seen(ports, file_id, by, trashed=trashed)
    return file


def editable(ports: Ports, file_id: str, by: Principal) -> File:
    """The file, for its owner and its editors. Raises `NotFound`, `NotAllowed`."""
    file, role = _seen(ports, file_id, by, trashed=False)
    if role == VIEWER:
        raise NotAllowed("You were let in to read it.")
    return file


def own(ports: Ports, file_id: str, by: Principal, *, trashed: bool = False) -> File:
    """The file, for its owner alone. Raises `NotFound`, `NotAllowed`."""
    file, role = _seen(ports, file_id, by, trashed=trashed)
    if role is not None:
        raise NotAllowed("Only its owner may do this.")
    return file


def _seen(ports: Ports, file_id: str, by: Principal, *, trashed: bool) -> tuple[File, str | None]:
    file = ports.files.find(file_id)
    if file is None or file.purging:
        raise gone()
    if file.owner_id == by.owner_id:
        if file.trashed_at is not None and not trashed:
            raise gone()
        return file, None
    role = ports.shares.role(file_id, by.owner_id)
    if role is None or file.trashed_at is not None:
        raise gone()
    return file, role


def gone() -> NotFound:
    return NotFound("There is no such file.")


def actor(by: Principal) -> str:
    """The person behind the request, whomever they act for."""
    return by.user_id or by.id
