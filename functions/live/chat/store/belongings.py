"""What somebody has here, as the export of their account shows it: their rooms, and what they have said in them."""

from collections.abc import Sequence
from typing import Any

from pynamodb.expressions.operand import Path

from tessera.belongings import ExportIn, Part, after_hash, fields, instant, jobs, parsed
from tessera.tables import Row, Table

from .rows import MarkRow, MemberRow, MessageRow, left_by, rooms_of, user_pk

# How many messages of a room a request looks through for theirs.
LOOKED_THROUGH = 500


def belongings(asked: ExportIn, table: Table) -> Sequence[Part[Any]]:
    user_id = asked.owner_id
    pk, room_id = user_pk(user_id), after_hash("pk")
    seat = fields("role", "joined_at", "read_n", "read_at", room_id=room_id, mute=parsed("mute"))

    def said(member: MemberRow) -> Sequence[Part[Any]]:
        theirs = (Path("author_id") == user_id) & Path("deleted_at").does_not_exist()
        told = fields(
            *("id", "text", "reply_to", "edited_at"),
            room_id=room_id,
            at=instant("at"),
            attachments=parsed("attachments"),
        )
        return [
            Part("message", MessageRow, member.pk, told, begins=begins, only=theirs, at_once=LOOKED_THROUGH)
            for begins in ("M#", "T#")
        ]

    return (
        Part("membership", MemberRow, rooms_of(user_id), seat, index="gs1", inside=said),
        Part("left", MemberRow, left_by(user_id), seat, index="gs1", inside=said),
        Part("mention", Row, pk, fields(room_id=after_hash("sk")), begins="MEN#"),
        Part("thread", MarkRow, pk, fields("read_n", room_id=after_hash("sk")), begins="TR#"),
        Part("block", Row, pk, fields(user_id=after_hash("sk")), begins="BLK#"),
        jobs(user_id),
    )
