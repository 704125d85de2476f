"""The forms of our pages where somebody signs in."""

import re
from pathlib import Path

import pytest

from localstack.door.pages import home, sign_in

STATIC = Path(home.__file__).parents[1] / "static"
PAGES = {"home": Path(home.__file__).read_text(), "sign-in": Path(sign_in.__file__).read_text()}
FIELDS = [
    (name, field) for name, text in PAGES.items() for field in re.findall(r"<input [^>]*name=\"password\"[^>]*>", text)
]


@pytest.mark.asvs("6.2.6")
@pytest.mark.parametrize(("page", "field"), FIELDS)
def test_a_password_is_not_shown_while_it_is_typed(page: str, field: str) -> None:
    assert 'type="password"' in field


@pytest.mark.asvs("6.2.7")
@pytest.mark.parametrize(("page", "field"), FIELDS)
def test_a_password_may_be_pasted_and_filled_in_by_a_manager(page: str, field: str) -> None:
    assert re.search(r'autocomplete="(current|new)-password"', field)
    assert not re.search(r"maxlength|pattern|readonly|onpaste", field)
    assert not any("paste" in path.read_text() for path in STATIC.glob("*.js"))


@pytest.mark.asvs("7.4.4")
@pytest.mark.parametrize("page", PAGES)
def test_a_page_that_signs_in_also_signs_out(page: str) -> None:
    script = (STATIC / f"{page}.js").read_text()

    assert re.search(r'<button [^>]*id="sign-out"[^>]*>Sign out</button>', PAGES[page])
    assert "sign-out" in script and "/logout" in script
