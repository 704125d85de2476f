"""The capabilities as the tree tells them."""

import pytest

from tools import registry


def test_health_is_found_with_the_names_that_follow_from_its_folder() -> None:
    health = registry.named("health")

    assert (health.domain, health.prefix, health.logical_id, health.source) == (
        "platform",
        "/health",
        "Health",
        "tessera.health",
    )
    assert "Health" in health.functions
    assert "health" in health.top_level


@pytest.mark.parametrize(
    ("package", "name", "logical_id"),
    [("gift_cards", "gift-cards", "GiftCards"), ("tasks", "tasks", "Tasks"), ("graph", "graphql", "Graph")],
)
def test_every_name_is_derived_from_the_package(package: str, name: str, logical_id: str) -> None:
    capability = registry.Capability(package, "work", (), (), has_table=True)

    assert (capability.name, capability.logical_id, capability.table) == (name, logical_id, logical_id)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(LookupError, match=r"There is no capability `nope`\. There are: .*health"):
        registry.named("nope")
