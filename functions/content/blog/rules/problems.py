"""What `blog` refuses.

Problem
├── SlugTaken           409 slug-taken            another post has the slug that was asked for
├── InvalidTransition   409 invalid-transition    a post in this state cannot become that
├── CommentsClosed      409 comments-closed
├── ParentNotVisible    409 parent-not-visible    what is answered is hidden, deleted or not there
├── EditWindowClosed    409 edit-window-closed    a quarter of an hour after it was written a comment stands
├── AlreadySo           409 already-so            somebody has decided that before
├── CategoryInUse       409 category-in-use       posts are in it
├── UploadMissing       409 upload-missing        nothing was sent to where an import looks for its file
├── NotYourPost         403 not-your-post         it can be seen, and only its author may change it
├── NotYourComment      403 not-your-comment
└── CommentingBanned    403 commenting-banned
"""

from tessera.problems import FieldError, InvalidRequest, Problem


class SlugTaken(Problem):
    status, slug, title = 409, "slug-taken", "Another post has this slug"


class InvalidTransition(Problem):
    status, slug, title = 409, "invalid-transition", "The post is not in a state that allows this"


class CommentsClosed(Problem):
    status, slug, title = 409, "comments-closed", "This post takes no comments from you"


class ParentNotVisible(Problem):
    status, slug, title = 409, "parent-not-visible", "What you answer cannot be seen"


class EditWindowClosed(Problem):
    status, slug, title = 409, "edit-window-closed", "The comment cannot be changed any more"


class AlreadySo(Problem):
    status, slug, title = 409, "already-so", "That was decided before"


class CategoryInUse(Problem):
    status, slug, title = 409, "category-in-use", "There are posts in this category"


class UploadMissing(Problem):
    status, slug, title = 409, "upload-missing", "The file is not there yet"


class NotYourPost(Problem):
    status, slug, title = 403, "not-your-post", "Only its author may change a post"


class NotYourComment(Problem):
    status, slug, title = 403, "not-your-comment", "Only its author may change a comment"


class CommentingBanned(Problem):
    status, slug, title = 403, "commenting-banned", "You may not comment here"


def refused(pointer: str, detail: str) -> InvalidRequest:
    return InvalidRequest(detail, errors=[FieldError(pointer, detail)])
