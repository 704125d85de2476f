"""Who somebody is to the blog, and what they may do there."""

from tessera.auth.principal import Principal
from tessera.auth.problems import InsufficientScope
from tessera.jobs import Job
from tessera.problems import Gone, NotFound
from tessera.transact import Step

from ..accounts import Known
from ..ports import Ports
from ..rules.authors import Author
from ..rules.posts import Post, Status
from ..rules.problems import NotYourPost
from ..store.authors import Erased, NameTaken
from ..store.erasures import holding_there

NAME_TRIES = 3


def viewer_of(caller: Principal) -> str | None:
    """Whose own posts and reactions are shown; None for nobody, and for a token that is not for reading blogs."""
    return caller.owner_id if caller.kind != "anonymous" and caller.can("blog:read") else None


def person(caller: Principal) -> str:
    """The person behind the request, whomever they act for."""
    return caller.user_id or caller.id


def may_see(post: Post, caller: Principal) -> bool:
    return post.is_published or (viewer_of(caller) is not None and caller.owns_or(post.author_id, "blog:manage"))


def hold_visible(post: Post, caller: Principal) -> Post:
    """Raises `NotFound` for a post that is nobody's business but its author's."""
    if not may_see(post, caller):
        raise NotFound("There is no such post.")
    return post


def hold_own(post: Post, caller: Principal) -> Post:
    """Raises `NotFound` for others' drafts, `NotYourPost` for what others have published."""
    if caller.owns_or(post.author_id, "blog:manage"):
        return post
    if post.status is Status.PUBLISHED:
        raise NotYourPost()
    raise NotFound("There is no such post.")


def hold_publisher(ports: Ports, caller: Principal) -> None:
    """Raises `InsufficientScope` where only authors publish."""
    if not (caller.can("blog:publish") or (ports.settings.everybody_publishes and caller.can("blog:write"))):
        raise InsufficientScope("blog:publish")


def introduced(ports: Ports, user_id: str) -> Author:
    """Somebody by the name that accounts know them by. 1 read, and 1 internal call and 1 write the first time."""
    author = ports.authors.get(user_id)
    if author.is_known:
        return author
    known = ports.accounts.find(user_id)
    return take_over(ports, author, known) if known is not None else author


def take_over(ports: Ports, author: Author, known: Known) -> Author:
    """Keep what accounts say of somebody. A name that another has here is made another."""
    name = known.username or author.username
    # An address is kept only of who signs in here, to be shown to themselves.
    email = known.email if known.token or known.realm else author.email
    fields = {"name": known.name, "realm": known.realm, "ep": known.epoch, "email": email}
    for number in range(NAME_TRIES):
        wanted = name if number == 0 else f"{name}-{author.id[-4 * number :].lower()}"
        try:
            ports.authors.know(author.id, wanted, fields, before=author)
        except NameTaken:
            continue
        except Erased:
            # Accounts had spoken of them before they went.
            pass
        break
    return ports.authors.get(author.id)


def beginning(ports: Ports, job: Job, keeping: Step, by: Principal) -> list[Step]:
    """The steps that begin a job which they may listen to; refused with `Gone` for somebody who is erased."""
    there = holding_there(ports.posts.table, by.owner_id, Gone("The account was deleted."))
    return [keeping, there, *ports.progress.opening(job.id, [person(by)])]
