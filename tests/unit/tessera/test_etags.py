import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.etags import StaleVersion, VersionRequired, etag, expected_version, expected_versions, unchanged
from tessera.problems import Problem


@given(st.integers(0, 10**15))
def test_a_tag_comes_back_as_its_version(version):
    assert expected_version(etag(version)) == version
    assert unchanged(etag(version), version)


@pytest.mark.parametrize(
    ("header", "version"),
    [('"v3"', 3), (' "v3" ', 3), ('"v1", "v3"', 3), ('"other","v3"', 3), ('W/"v9", "v3"', 3), ('"a,b" , "v3",', 3)],
)
def test_a_version_is_found_in_every_form_of_the_header(header, version):
    assert expected_version(header) == version


def test_a_list_names_every_version_it_accepts():
    assert expected_versions('"v1", "v3", W/"v7", "x"') == {1, 3}


def test_a_star_accepts_any_version():
    assert expected_version("*") is None


@pytest.mark.parametrize("header", [None, "", "  "])
def test_a_missing_version_is_asked_for(header):
    with pytest.raises(VersionRequired) as refused:
        expected_version(header)

    assert (refused.value.status, refused.value.slug) == (428, "version-required")
    assert expected_version(header, required=False) is None


@pytest.mark.parametrize(
    "header", ['W/"v3"', "v3", '"3"', '"v03"', '"v-1"', '"v3', '"v3" "v4"', '"v٣"', '"v3",*', '"v1",' * 500, "\x00"]
)
def test_a_tag_that_can_never_match_is_refused(header):
    with pytest.raises(StaleVersion) as refused:
        expected_version(header)

    assert (refused.value.status, refused.value.slug) == (412, "version-mismatch")


@given(st.text(max_size=80))
def test_no_header_does_anything_but_answer_or_be_refused(header):
    unchanged(header, 3)
    try:
        expected_version(header)
    except Problem as problem:
        assert problem.status in (412, 428)


@pytest.mark.parametrize(
    ("header", "same"),
    [
        ('"v3"', True),
        ('W/"v3"', True),
        ("*", True),
        ('"v1", W/"v3"', True),
        ('"v2"', False),
        (None, False),
        ("v3", False),
    ],
)
def test_a_read_is_unchanged_by_weak_comparison(header, same):
    assert unchanged(header, 3) is same
