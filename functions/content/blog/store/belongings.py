"""What somebody has here, as the export of their account shows it."""

from collections.abc import Iterable, Sequence
from typing import Any

from pynamodb.expressions.operand import Path

from tessera.belongings import ExportIn, Part, Shown, after_hash, behind, fields, instant, jobs, parsed
from tessera.listing import PointerRow, list_pk
from tessera.tables import Row, Table

from .bans import BanRow, ban_pk
from .comment_rows import CID, TREE, CommentIdRow, CommentRow, id_pk, mine_of, path_sk, tree_pk, waiting_pk
from .imports import ImportRow, ReportRow, imports_of
from .places import drafts_of, favourites_of, felt_of, of_author, trash_of
from .rows import (
    BODY,
    META,
    AuthorRow,
    BodyRow,
    PostRow,
    ReactionRow,
    RevisionRow,
    author_pk,
    post_pk,
    reaction_sk,
    unpacked,
)
from .visits import MAIN, VisitRow, visit_pk

# Each may be as long as a post.
REVISIONS_AT_ONCE = 5

_shown_post = fields(
    *("id", "title", "slug", "status", "excerpt", "tags", "category", "cover_media_id", "canonical_url"),
    **{name: instant(name) for name in ("created_at", "updated_at", "published_at", "publish_at", "deleted_at")},
)
_shown_reaction = fields(post_id=after_hash("pk"), reaction="kind", at=instant("at"))
_shown_comment = fields("id", "post_id", "body", "state", "reply_to", at=instant("created_at"))


def belongings(asked: ExportIn, table: Table) -> Sequence[Part[Any]]:
    user_id = asked.owner_id

    def posts(found: Sequence[PointerRow]) -> Iterable[Shown]:
        ids = [one.id for one in found]
        bodies = {row.pk: row for row in table.get_many(BodyRow, [(post_pk(one), BODY) for one in ids])}
        for row in table.get_many(PostRow, [(post_pk(one), META) for one in ids]):
            body = bodies.get(row.pk)
            (shown,) = _shown_post([row])
            yield {**shown, "body": unpacked(body.source) if body is not None else None}

    def comments(found: Sequence[PointerRow]) -> Iterable[Shown]:
        places = table.get_many(CommentIdRow, [(id_pk(one.id), CID) for one in found])
        keys = [((tree_pk if one.place == TREE else waiting_pk)(one.post_id), path_sk(one.path)) for one in places]
        visits = table.get_many(VisitRow, [(visit_pk(one.id), MAIN) for one in found])
        came = {row.pk: (row.ip, row.agent) for row in visits}
        for shown in _shown_comment(table.get_many(CommentRow, keys)):
            ip, agent = came.get(visit_pk(str(shown["id"])), (None, None))
            yield {**shown, **({"ip": ip, "agent": agent} if ip else {})}

    reactions = behind(table, ReactionRow, lambda one: (post_pk(one.id), reaction_sk(user_id)), _shown_reaction)
    own = (of_author(user_id), drafts_of(user_id), trash_of(user_id))
    known = fields("username", "name", "email", "bio", "image")
    brought = imports_of(user_id)
    counted = fields("created", "skipped", "refused", upload_id="sk")
    reported = fields("number", "title", "outcome", "post_id", "slug", notes=parsed("notes"))
    return (
        Part("author", AuthorRow, author_pk(user_id), known, begins=META),
        *(Part("post", PointerRow, list_pk(name), posts, inside=_revisions) for name in own),
        Part("comment", PointerRow, list_pk(mine_of(user_id)), comments),
        *(Part("reaction", PointerRow, list_pk(name(user_id)), reactions) for name in (favourites_of, felt_of)),
        Part("follow", Row, f"F#{user_id}", fields(author_id="sk")),
        Part("ban", BanRow, ban_pk(user_id), fields("reason", "at")),
        Part("import", ImportRow, brought, counted, only=Path("job_id").exists()),
        Part("imported", ReportRow, brought, reported, only=Path("number").exists()),
        jobs(user_id),
    )


def _revisions(post: PointerRow) -> Sequence[Part[Any]]:
    told = fields("number", "title", at=instant("at"), post_id=after_hash("pk"), body=lambda row: unpacked(row.source))
    return [Part("revision", RevisionRow, post_pk(post.id), told, begins="REV#", at_once=REVISIONS_AT_ONCE)]
