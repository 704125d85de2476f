"""Everything the actions stand on, bound once for an app."""

from dataclasses import dataclass
from typing import Self

from tessera.jobs import Jobs
from tessera.live import Live
from tessera.settings import Bindings

from .accounts import Accounts
from .config import BlogSettings
from .passes import Passes
from .pictures import Pictures
from .progress import Progress
from .spamcheck import Spam
from .store.authors import AuthorStore
from .store.bans import BanStore
from .store.comments import CommentStore
from .store.feeds import FeedStore
from .store.imports import ImportStore
from .store.objects import Objects
from .store.pictures import PictureStore
from .store.posts import PostStore
from .store.reactions import ReactionStore
from .store.reading import Reading
from .store.shelves import ShelfStore
from .store.visits import VisitStore


@dataclass(frozen=True)
class Ports:
    settings: BlogSettings
    posts: PostStore
    reading: Reading
    authors: AuthorStore
    shelves: ShelfStore
    reactions: ReactionStore
    comments: CommentStore
    bans: BanStore
    passes: Passes
    feeds: FeedStore
    accounts: Accounts
    spam: Spam
    visits: VisitStore
    pictures: Pictures
    placed: PictureStore
    live: Live
    jobs: Jobs
    progress: Progress
    imports: ImportStore
    objects: Objects
    queue: str

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(BlogSettings)
        return cls(
            settings=settings,
            posts=bindings.get(PostStore),
            reading=bindings.get(Reading),
            authors=bindings.get(AuthorStore),
            shelves=bindings.get(ShelfStore),
            reactions=bindings.get(ReactionStore),
            comments=bindings.get(CommentStore),
            bans=bindings.get(BanStore),
            passes=bindings.get(Passes),
            feeds=bindings.get(FeedStore),
            accounts=bindings.get(Accounts),
            spam=bindings.get(Spam),
            visits=bindings.get(VisitStore),
            pictures=bindings.get(Pictures),
            placed=bindings.get(PictureStore),
            live=bindings.get(Live),
            jobs=bindings.get(Jobs),
            progress=bindings.get(Progress),
            imports=bindings.get(ImportStore),
            objects=bindings.get(Objects),
            queue=settings.queue,
        )
