"""The wire shape of documents: what is refused, and what a later version may add."""

import pytest
from pydantic import ValidationError

from tessera.searchable import SearchDoc, SearchDocs


def test_a_document_says_what_it_is_and_the_rest_is_as_it_mostly_is():
    found = SearchDoc.model_validate({"id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "seq": 3, "future": True})

    assert (found.acl, found.deleted, found.boost, found.tags, found.n) == ("public", False, 1.0, [], 0)


def test_a_page_is_read_as_it_was_written():
    page = SearchDocs(
        items=[SearchDoc(id="a", seq=1, acl="room:R", updated_at="2026-11-21T11:33:00.123Z", tags=["x"])], next="b"
    )

    assert SearchDocs.model_validate(page.model_dump(mode="json")) == page


@pytest.mark.parametrize("acl", ["public", "user:U", "room:R", "space:S", "feed:F"])
def test_who_may_see_it_is_one_of_these(acl):
    assert SearchDoc(id="a", seq=1, acl=acl).acl == acl


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": ""},
        {"id": "a#b"},
        {"id": "x" * 81},
        {"seq": -1},
        {"seq": 2**53},
        {"acl": "everybody"},
        {"acl": "user:"},
        {"acl": "user:a#b"},
        {"acl": "public:x"},
        {"type": "Post"},
        {"type": "a#b"},
        {"boost": 0.4},
        {"boost": 2.1},
        {"boost": float("nan")},
        {"updated_at": "yesterday"},
        {"n": -1},
    ],
    ids=repr,
)
def test_what_would_not_be_a_key_or_a_number_is_refused(wrong):
    with pytest.raises(ValidationError):
        SearchDoc.model_validate({"id": "a", "seq": 1, **wrong})
