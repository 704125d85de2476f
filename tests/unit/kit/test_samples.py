"""The test that tells two sets of measurements apart."""

import random

import pytest

from tests.kit.samples import mann_whitney


def test_the_same_values_come_from_one_source():
    assert mann_whitney([5.0] * 30, [5.0] * 30) == 1.0


def test_values_apart_come_from_two():
    assert mann_whitney(list(range(30)), list(range(40, 70))) < 1e-9


def test_an_example_computed_by_hand():
    # U is 0 of 25; the mean is 12.5 and the deviation the root of 25 * 11 / 12, so z is 12 / 4.787.
    assert mann_whitney([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]) == pytest.approx(0.0122, abs=0.0001)


def test_the_order_of_the_two_does_not_matter():
    dice = random.Random(3)
    first, second = ([round(dice.gauss(0, 1), 1) for _ in range(50)] for _ in range(2))

    assert mann_whitney(first, second) == pytest.approx(mann_whitney(second, first))


def test_one_source_is_taken_for_two_as_often_as_the_limit_says():
    dice = random.Random(11)
    refused = sum(
        mann_whitney([dice.random() for _ in range(40)], [dice.random() for _ in range(40)]) < 0.05 for _ in range(600)
    )

    assert 12 <= refused <= 50
