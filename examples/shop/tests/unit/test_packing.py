from __future__ import annotations

import itertools
import random

import pytest

from shop.packing import fewest_parcels, first_fit


@pytest.mark.parametrize("pack", [first_fit, fewest_parcels])
class TestLimits:
    def test_too_heavy(self, pack):
        with pytest.raises(ValueError, match="does not fit"):
            pack([11], 10)


@pytest.mark.parametrize("seed", range(2))
def test_first_fit_packs_everything_once(seed):
    rng = random.Random(seed)
    weights = [rng.randrange(1, 500) for _ in range(600)]
    parcels = first_fit(weights, 1000)
    assert sorted(itertools.chain(*parcels)) == sorted(weights)
    assert max(map(sum, parcels)) <= 1000


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_the_best_is_at_least_as_good(seed, record_property):
    rng = random.Random(seed)
    saved = 0
    for _ in range(300):
        weights = [rng.randrange(2, 10) for _ in range(11)]
        quick, best = len(first_fit(weights, 13)), fewest_parcels(weights, 13)
        assert -(-sum(weights) // 13) <= best <= quick
        saved += quick - best
    record_property("parcels_saved", saved)


def test_a_case_where_quick_is_not_best():
    weights = [5, 4, 3, 3, 3, 2]
    assert len(first_fit(weights, 10)) == 3
    assert fewest_parcels(weights, 10) == 2
