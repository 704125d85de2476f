"""What `search` refuses.

Problem
├── TooManySynonyms   409 too-many-synonyms   there are two hundred already
└── NoSuchDocument    404 not-found           nothing there, or nothing you may know of
"""

from tessera.problems import NotFound, Problem


class TooManySynonyms(Problem):
    status, slug, title = 409, "too-many-synonyms", "There are as many synonyms as there may be"


class NoSuchDocument(NotFound):
    def __init__(self) -> None:
        super().__init__("There is no such document.")


class NoSuchPlace(NotFound):
    def __init__(self) -> None:
        super().__init__("There is no such place, or you are not in it.")
