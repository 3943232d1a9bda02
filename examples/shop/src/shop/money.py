"""Exact amounts of money.

Amounts are held as an integer number of minor units (cents, pence, yen), so that sums are exact.

>>> Money.parse("19.99 EUR") + Money.parse("0.01 EUR")
Money('20.00 EUR')
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, InvalidOperation
from functools import total_ordering

from shop.errors import CurrencyMismatch

EXPONENTS = {"EUR": 2, "USD": 2, "GBP": 2, "CHF": 2, "JPY": 0, "KWD": 3}
SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}


@total_ordering
@dataclass(frozen=True)
class Money:
    """An amount in minor units of one currency."""

    minor: int
    currency: str = "EUR"

    def __post_init__(self) -> None:
        if self.currency not in EXPONENTS:
            raise ValueError(f"unknown currency: {self.currency!r}")
        if not isinstance(self.minor, int):
            raise TypeError("minor units must be an integer; use Money.of() for decimals")

    @classmethod
    def of(cls, amount: Decimal | str | int, currency: str = "EUR") -> Money:
        """Build an amount from a decimal number, rounding half up.

        >>> Money.of("12.345")
        Money('12.35 EUR')
        >>> Money.of(500, "JPY")
        Money('500 JPY')
        """
        if currency not in EXPONENTS:
            raise ValueError(f"unknown currency: {currency!r}")
        try:
            scaled = Decimal(amount).scaleb(EXPONENTS[currency])
            return cls(int(scaled.quantize(Decimal(1), rounding=ROUND_HALF_UP)), currency)
        except InvalidOperation:
            raise ValueError(f"not an amount: {amount!r}") from None

    @classmethod
    def parse(cls, text: str) -> Money:
        """Read ``"12.50 EUR"``.

        >>> Money.parse("3 USD").minor
        300
        >>> Money.parse("three dollars")
        Traceback (most recent call last):
            ...
        ValueError: not an amount of money: 'three dollars'
        """
        number, _, currency = text.strip().partition(" ")
        try:
            return cls.of(number, currency)
        except ValueError:
            raise ValueError(f"not an amount of money: {text!r}") from None

    @classmethod
    def zero(cls, currency: str = "EUR") -> Money:
        """Nothing, in a given currency."""
        return cls(0, currency)

    @property
    def amount(self) -> Decimal:
        """The amount in major units.

        >>> Money(1999).amount
        Decimal('19.99')
        """
        return Decimal(self.minor).scaleb(-EXPONENTS[self.currency])

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(self.currency, other.currency)

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __mul__(self, factor: int | Decimal) -> Money:
        if isinstance(factor, float):
            raise TypeError("multiply money by an int or a Decimal, not by a float")
        exact = Decimal(self.minor) * factor
        return Money(int(exact.quantize(Decimal(1), rounding=ROUND_HALF_EVEN)), self.currency)

    __rmul__ = __mul__

    def __lt__(self, other: Money) -> bool:
        self._same(other)
        return self.minor < other.minor

    def __bool__(self) -> bool:
        return self.minor != 0

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}"

    def __repr__(self) -> str:
        return f"Money('{self}')"

    def percent(self, rate: Decimal | str | int) -> Money:
        """A percentage of this amount, rounded half to even.

        >>> Money.parse("80.00 EUR").percent("7.5")
        Money('6.00 EUR')
        """
        return self * (Decimal(rate) / 100)

    def allocate(self, weights: Sequence[int]) -> list[Money]:
        """Split without losing a cent, in proportion to ``weights``.

        >>> Money.parse("10.00 EUR").allocate([1, 1, 1])
        [Money('3.34 EUR'), Money('3.33 EUR'), Money('3.33 EUR')]
        """
        total = sum(weights)
        if total <= 0 or min(weights) < 0:
            raise ValueError("weights must be non-negative and not all zero")
        shares = [self.minor * weight // total for weight in weights]
        left = self.minor - sum(shares)
        by_remainder = sorted(
            range(len(weights)), key=lambda i: (-(self.minor * weights[i] % total), i)
        )
        for index in by_remainder[:left]:
            shares[index] += 1
        return [Money(share, self.currency) for share in shares]

    def pretty(self) -> str:
        """The amount for people to read.

        >>> Money.of("1234567.5", "USD").pretty()
        '$1,234,567.50'
        >>> Money.of("-3", "CHF").pretty()
        '-CHF 3.00'
        """
        sign = "-" if self.minor < 0 else ""
        symbol = SYMBOLS.get(self.currency, self.currency + " ")
        return f"{sign}{symbol}{abs(self.amount):,.{EXPONENTS[self.currency]}f}"


def total(amounts: Iterable[Money], currency: str = "EUR") -> Money:
    """Sum amounts; an empty sum is zero in ``currency``.

    >>> total([Money(150), Money(250)])
    Money('4.00 EUR')
    >>> total([], "JPY")
    Money('0 JPY')
    """
    result = None
    for amount in amounts:
        result = amount if result is None else result + amount
    return Money.zero(currency) if result is None else result
