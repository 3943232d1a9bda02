"""Value added tax and sales tax."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from shop.cart import Line
from shop.money import Money, total


class Rounding(Enum):
    """Whether tax is rounded on each line or once for each rate."""

    LINE = "line"
    RATE = "rate"


@dataclass(frozen=True)
class Region:
    """The tax rates of one place, in percent."""

    code: str
    standard: Decimal
    reduced: Mapping[str, Decimal]
    inclusive: bool = True

    def rate_for(self, category: str) -> Decimal:
        """The rate of a product category."""
        return self.reduced.get(category, self.standard)


REGIONS = {
    region.code: region
    for region in (
        Region("DE", Decimal("19"), {"books": Decimal("7"), "food": Decimal("7")}),
        Region("FR", Decimal("20"), {"books": Decimal("5.5"), "food": Decimal("5.5")}),
        Region("GB", Decimal("20"), {"books": Decimal("0"), "food": Decimal("0")}),
        Region("JP", Decimal("10"), {"food": Decimal("8")}),
        Region("US-CA", Decimal("7.25"), {"food": Decimal("0")}, inclusive=False),
        Region("US-OR", Decimal("0"), {}, inclusive=False),
    )
}


def tax_of(amount: Money, rate: Decimal, inclusive: bool) -> Money:
    """The tax in, or on top of, an amount.

    >>> tax_of(Money.parse("119.00 EUR"), Decimal(19), inclusive=True)
    Money('19.00 EUR')
    >>> tax_of(Money.parse("100.00 EUR"), Decimal(19), inclusive=False)
    Money('19.00 EUR')
    """
    if inclusive:
        return amount * (rate / (100 + rate))
    return amount.percent(rate)


def tax_breakdown(
    lines: Iterable[Line], region: Region, rounding: Rounding = Rounding.RATE
) -> dict[Decimal, Money]:
    """The tax for each rate, lowest rate first; rates without turnover are left out."""
    groups: dict[Decimal, list[Money]] = {}
    for line in lines:
        rate = region.rate_for(line.product.category)
        groups.setdefault(rate, []).append(line.subtotal)
    result = {}
    for rate in sorted(groups):
        if rounding is Rounding.LINE:
            taxes = (tax_of(amount, rate, region.inclusive) for amount in groups[rate])
            result[rate] = total(taxes)
        else:
            result[rate] = tax_of(total(groups[rate]), rate, region.inclusive)
    return result


def gross(lines: Iterable[Line], region: Region) -> Money:
    """What the customer pays for the goods, tax included."""
    lines = list(lines)
    subtotal = total(line.subtotal for line in lines)
    if region.inclusive or not lines:
        return subtotal
    return subtotal + total(tax_breakdown(lines, region).values())
