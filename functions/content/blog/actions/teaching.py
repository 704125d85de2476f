"""What moderators decide is told to the service that checks comments, where it had judged otherwise."""

from tessera import aws, log, queues
from tessera.problems import Gone, NotFound

from ..ports import Ports
from ..rules.comments import Comment
from ..spamcheck import CheckAway, Checked, Visitor
from .telling import url_of

TEACH = "spam.teach"
TRIES, FIRST_PAUSE_SECONDS = 6, 30


def disagree(ports: Ports, comment: Comment, *, is_spam: bool) -> None:
    """Somebody has decided what this comment is. Nothing where nobody was asked; else 1 read, and mostly no more."""
    if not comment.asked:
        return
    visit = ports.visits.get(comment.id)
    if visit is None or visit.is_spam is is_spam:
        return
    try:
        _send(ports, comment.id, is_spam=is_spam, tries=0)
    except (aws.ClientError, aws.BotoCoreError) as error:
        # What was decided stands, whoever hears of it.
        log.line("spam-check", outcome="not-taught", cause=type(error).__name__)


def teach(ports: Ports, comment_id: str, *, is_spam: bool, tries: int) -> None:
    """Tell the service, and try again later when it is away, some times. Told already, it is not told again."""
    visit = ports.visits.get(comment_id)
    if visit is None or visit.is_spam is is_spam:
        return
    try:
        comment = ports.comments.get(comment_id)
        permalink = url_of(ports, ports.posts.get(comment.post_id))
    except (NotFound, Gone):
        return
    author = comment.guest or (ports.authors.get(comment.author_id).username if comment.author_id else "")
    checked = Checked(
        body=comment.body or "",
        permalink=permalink,
        visitor=Visitor(visit.ip, visit.agent, visit.referrer),
        author=author,
        email=comment.email or "",
        is_answer=comment.parent_id is not None,
    )
    try:
        ports.spam.learn(checked, is_spam=is_spam)
    except CheckAway as error:
        # It is for the good of others: nobody is woken when it cannot be done.
        log.line("spam-check", outcome="not-taught", cause=str(error))
        if tries + 1 < TRIES:
            _send(ports, comment_id, is_spam=is_spam, tries=tries + 1)
        return
    ports.visits.taught(comment_id, is_spam=is_spam)


def _send(ports: Ports, comment_id: str, *, is_spam: bool, tries: int) -> None:
    pause = FIRST_PAUSE_SECONDS * 2 ** (tries - 1) if tries else 0
    told = {"comment_id": comment_id, "is_spam": is_spam, "tries": tries}
    queues.send(ports.queue, TEACH, told, delay_seconds=pause)
