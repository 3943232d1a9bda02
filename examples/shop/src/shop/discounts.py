"""Discounts and coupons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Protocol

from shop.cart import Line
from shop.errors import InvalidCoupon
from shop.money import Money, total


class Discount(Protocol):
    """Anything that can take money off some lines."""

    def amount(self, lines: Sequence[Line]) -> Money:
        """How much to take off."""


@dataclass(frozen=True)
class PercentOff:
    """A percentage off everything, or off one category."""

    percent: Decimal | int
    category: str | None = None

    def __post_init__(self) -> None:
        if not 0 < self.percent <= 100:
            raise ValueError("a percentage lies above 0 and is at most 100")

    def amount(self, lines: Sequence[Line]) -> Money:
        """The percentage of the lines it applies to."""
        matching = (
            line.subtotal for line in lines if self.category in (None, line.product.category)
        )
        return total(matching, _currency(lines)).percent(self.percent)


@dataclass(frozen=True)
class AmountOff:
    """A fixed amount off once the order is large enough."""

    off: Money
    minimum: Money | None = None

    def amount(self, lines: Sequence[Line]) -> Money:
        """The fixed amount, never more than the lines cost."""
        subtotal = total((line.subtotal for line in lines), self.off.currency)
        if self.minimum is not None and subtotal < self.minimum:
            return Money.zero(self.off.currency)
        return min(self.off, subtotal)


@dataclass(frozen=True)
class BuyXGetY:
    """Some units free for every so many bought of one product."""

    sku: str
    buy: int
    free: int

    def amount(self, lines: Sequence[Line]) -> Money:
        """The price of the free units."""
        result = Money.zero(_currency(lines))
        for line in lines:
            if line.product.sku == self.sku:
                groups, rest = divmod(line.quantity, self.buy + self.free)
                units = groups * self.free + max(0, rest - self.buy)
                result += line.product.price * units
        return result


@dataclass(frozen=True)
class BulkPrice:
    """Rising percentages for rising quantities of any one product."""

    steps: tuple[tuple[int, int], ...]

    def rate(self, quantity: int) -> int:
        """The percentage for a quantity.

        >>> bulk = BulkPrice(((10, 5), (50, 12)))
        >>> [bulk.rate(quantity) for quantity in (1, 10, 49, 50)]
        [0, 5, 5, 12]
        """
        return max((percent for least, percent in self.steps if quantity >= least), default=0)

    def amount(self, lines: Sequence[Line]) -> Money:
        """The sum of each line's own discount."""
        off = (line.subtotal.percent(self.rate(line.quantity)) for line in lines)
        return total(off, _currency(lines))


def _currency(lines: Sequence[Line]) -> str:
    return lines[0].product.price.currency if lines else "EUR"


def best_discount(lines: Sequence[Line], discounts: Iterable[Discount]) -> Money:
    """The largest single discount; they do not add up."""
    zero = Money.zero(_currency(lines))
    return max((discount.amount(lines) for discount in discounts), default=zero)


def stacked(lines: Sequence[Line], discounts: Iterable[Discount]) -> Money:
    """The sum of all discounts, never more than the lines cost."""
    subtotal = total((line.subtotal for line in lines), _currency(lines))
    off = total((discount.amount(lines) for discount in discounts), subtotal.currency)
    return min(off, subtotal)


@dataclass
class Coupon:
    """A code that gives a discount for a time and a number of uses."""

    code: str
    discount: Discount
    expires: date | None = None
    uses_left: int | None = None


@dataclass
class CouponBook:
    """The coupons in circulation; codes are compared without regard to case."""

    _coupons: dict[str, Coupon] = field(default_factory=dict)

    def issue(self, coupon: Coupon) -> Coupon:
        """Put a coupon in circulation."""
        code = coupon.code.upper()
        if code in self._coupons:
            raise ValueError(f"coupon {code} exists")
        self._coupons[code] = coupon
        return coupon

    def redeem(self, code: str, today: date) -> Discount:
        """Use a coupon up once and return its discount."""
        coupon = self._coupons.get(code.strip().upper())
        if coupon is None:
            raise InvalidCoupon(f"no such coupon: {code}")
        if coupon.expires is not None and today > coupon.expires:
            raise InvalidCoupon(f"coupon {code} expired on {coupon.expires}")
        if coupon.uses_left is not None:
            if coupon.uses_left == 0:
                raise InvalidCoupon(f"coupon {code} is used up")
            coupon.uses_left -= 1
        return coupon.discount
