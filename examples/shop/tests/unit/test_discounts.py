from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from shop.discounts import (
    AmountOff,
    BulkPrice,
    BuyXGetY,
    Coupon,
    CouponBook,
    PercentOff,
    best_discount,
    stacked,
)
from shop.errors import InvalidCoupon
from shop.money import Money

TODAY = date(2024, 5, 17)


@pytest.mark.parametrize(
    ("discount", "cents"),
    [
        (PercentOff(10), 1450),
        (PercentOff(Decimal("2.5")), 362),
        (PercentOff(50, "food"), 2250),
        (AmountOff(Money(500), minimum=Money(14498)), 500),
        (BuyXGetY("TEA-100", 3, 1), 900),
        (BulkPrice(((2, 10), (5, 20))), 1900),
    ],
    ids=str,
)
def test_amount(lines, discount, cents):
    assert discount.amount(lines) == Money(cents)


def test_percentages_are_checked():
    with pytest.raises(ValueError, match="percentage"):
        PercentOff(101)


@pytest.mark.parametrize(
    ("lines", "free"),
    [({"TEA-100": n}, free) for n, free in [(2, 0), (3, 1), (6, 2)]],
    indirect=["lines"],
    ids=["2 bought", "3 bought", "6 bought"],
)
def test_buy_two_get_one(lines, free):
    assert BuyXGetY("TEA-100", 2, 1).amount(lines) == Money(450) * free


def test_best_discount_takes_only_one(lines):
    assert best_discount(lines, [PercentOff(10), AmountOff(Money(500))]) == Money(1450)


@pytest.mark.parametrize("lines", [{}], indirect=True, ids=["no lines"])
def test_nothing_off_nothing(lines):
    assert stacked(lines, [PercentOff(10), AmountOff(Money(1))]) == Money.zero()


def test_stacked_discounts_stop_at_the_price(lines):
    assert stacked(lines, [PercentOff(10), PercentOff(5)]) == Money(1450 + 725)
    assert stacked(lines, [PercentOff(60), PercentOff(60)]) == Money(14498)


class TestCouponBook:
    @pytest.fixture
    def book(self):
        book = CouponBook()
        book.issue(Coupon("SPRING", PercentOff(10), expires=date(2024, 5, 31)))
        book.issue(Coupon("Once", AmountOff(Money(500)), uses_left=1))
        return book

    @pytest.mark.parametrize("code", ["SPRING", " spring "])
    def test_redeem(self, book, code):
        assert book.redeem(code, TODAY) == PercentOff(10)

    def test_unknown(self, book):
        with pytest.raises(InvalidCoupon, match="no such coupon"):
            book.redeem("AUTUMN", TODAY)

    @pytest.mark.parametrize(
        ("day", "valid"), [(date(2024, 5, 31), True), (date(2024, 6, 1), False)], ids=str
    )
    def test_expiry(self, book, day, valid):
        if valid:
            assert book.redeem("SPRING", day)
        else:
            with pytest.raises(InvalidCoupon, match="expired on 2024-05-31"):
                book.redeem("SPRING", day)

    def test_uses_run_out(self, book):
        book.redeem("once", TODAY)
        with pytest.raises(InvalidCoupon, match="used up"):
            book.redeem("once", TODAY)
