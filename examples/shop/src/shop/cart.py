"""The shopping cart."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shop.catalog import Catalog, Product
from shop.errors import UnknownProduct
from shop.money import Money, total

MAX_QUANTITY = 999


@dataclass(frozen=True)
class Line:
    """One product in a cart or an order, and how many of it."""

    product: Product
    quantity: int

    @property
    def subtotal(self) -> Money:
        """The price of the whole line, before discounts and tax."""
        return self.product.price * self.quantity

    @property
    def weight_g(self) -> int:
        """The weight of the whole line."""
        return self.product.weight_g * self.quantity


class Cart:
    """What a customer is about to buy.

    >>> catalog = Catalog([Product("TEA-100", "Green tea", Money(450))])
    >>> cart = Cart(catalog)
    >>> cart.add("TEA-100", 3)
    >>> cart.subtotal
    Money('13.50 EUR')
    """

    def __init__(self, catalog: Catalog, currency: str = "EUR") -> None:
        self.catalog = catalog
        self.currency = currency
        self._quantities: dict[str, int] = {}

    def __len__(self) -> int:
        return sum(self._quantities.values())

    def __iter__(self) -> Iterator[Line]:
        for sku, quantity in self._quantities.items():
            yield Line(self.catalog.get(sku), quantity)

    def __contains__(self, sku: object) -> bool:
        return sku in self._quantities

    @property
    def lines(self) -> list[Line]:
        """The lines in the order they were added."""
        return list(self)

    @property
    def quantities(self) -> dict[str, int]:
        """A copy of the quantities by SKU."""
        return dict(self._quantities)

    @property
    def subtotal(self) -> Money:
        """The price of everything, before discounts and tax."""
        return total((line.subtotal for line in self), self.currency)

    @property
    def weight_g(self) -> int:
        """The weight of everything."""
        return sum(line.weight_g for line in self)

    def add(self, sku: str, quantity: int = 1) -> None:
        """Add units of a product."""
        if quantity < 1:
            raise ValueError("add at least one unit")
        self.set(sku, self._quantities.get(sku, 0) + quantity)

    def set(self, sku: str, quantity: int) -> None:
        """Set the quantity of a product; zero removes it."""
        if not 0 <= quantity <= MAX_QUANTITY:
            raise ValueError(f"quantity must be between 0 and {MAX_QUANTITY}")
        if quantity == 0:
            self._quantities.pop(sku, None)
            return
        self.catalog.get(sku)
        self._quantities[sku] = quantity

    def remove(self, sku: str) -> None:
        """Take a product out of the cart."""
        if sku not in self._quantities:
            raise UnknownProduct(sku)
        del self._quantities[sku]

    def clear(self) -> None:
        """Empty the cart."""
        self._quantities.clear()

    def merge(self, other: Cart) -> None:
        """Add another cart's contents, for example after log-in."""
        for sku, quantity in other.quantities.items():
            self.set(sku, min(MAX_QUANTITY, self._quantities.get(sku, 0) + quantity))

    def total_price(self) -> Money:
        """Old name of :attr:`subtotal`."""
        warnings.warn(
            "Cart.total_price() is deprecated, use Cart.subtotal", DeprecationWarning, stacklevel=2
        )
        return self.subtotal

    def to_dict(self) -> dict[str, Any]:
        """The cart as plain data, for a session cookie or a file."""
        return {"currency": self.currency, "items": self.quantities}

    @classmethod
    def from_dict(cls, catalog: Catalog, data: Mapping[str, Any]) -> Cart:
        """The cart from plain data; products no longer on sale are left out with a warning."""
        cart = cls(catalog, data.get("currency", "EUR"))
        for sku, quantity in data.get("items", {}).items():
            if sku in catalog:
                cart.set(sku, quantity)
            else:
                warnings.warn(f"{sku} is no longer on sale", UserWarning, stacklevel=2)
        return cart
