"""Products and the catalogue that holds them."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from shop.errors import UnknownProduct
from shop.money import Money

SKU_PATTERN = re.compile(r"[A-Z]{2,4}-\d{3,6}\Z")


def slugify(text: str) -> str:
    """Turn a name into the last part of an address.

    >>> slugify("Crème brûlée torch (large)")
    'creme-brulee-torch-large'
    >>> slugify("  --  ")
    ''
    """
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text.lower()).strip("-")


def ean13_check_digit(digits: str) -> int:
    """The thirteenth digit of an EAN-13 bar code.

    >>> ean13_check_digit("400638133393")
    1
    """
    if len(digits) != 12 or not digits.isdigit():
        raise ValueError("an EAN-13 code starts with twelve digits")
    weighted = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(digits))
    return -weighted % 10


@dataclass(frozen=True)
class Product:
    """Something for sale."""

    sku: str
    name: str
    price: Money
    category: str = "general"
    weight_g: int = 0
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not SKU_PATTERN.match(self.sku):
            raise ValueError(f"malformed SKU: {self.sku!r}")
        if not self.name.strip():
            raise ValueError("a product needs a name")
        if self.price.minor < 0:
            raise ValueError("a price cannot be negative")
        if self.weight_g < 0:
            raise ValueError("a weight cannot be negative")

    @property
    def slug(self) -> str:
        """The product's name as part of an address.

        >>> Product("GC-1001", "Garden chair", Money(4999)).slug
        'garden-chair-gc-1001'
        """
        return slugify(f"{self.name} {self.sku}")


class Catalog:
    """Products by SKU, in the order they were added.

    >>> catalog = Catalog([Product("GC-1001", "Garden chair", Money(4999), "garden")])
    >>> "GC-1001" in catalog, len(catalog), catalog.categories()
    (True, 1, ['garden'])
    """

    def __init__(self, products: Iterable[Product] = ()) -> None:
        self._products: dict[str, Product] = {}
        for product in products:
            self.add(product)

    def __len__(self) -> int:
        return len(self._products)

    def __iter__(self) -> Iterator[Product]:
        return iter(self._products.values())

    def __contains__(self, sku: object) -> bool:
        return sku in self._products

    def add(self, product: Product) -> None:
        """Add a product; its SKU must be new."""
        if product.sku in self._products:
            raise ValueError(f"duplicate SKU: {product.sku}")
        self._products[product.sku] = product

    def get(self, sku: str) -> Product:
        """The product with this SKU."""
        try:
            return self._products[sku]
        except KeyError:
            raise UnknownProduct(sku) from None

    def remove(self, sku: str) -> Product:
        """Take a product out and return it."""
        product = self.get(sku)
        del self._products[sku]
        return product

    def reprice(self, sku: str, price: Money) -> Product:
        """Change a price and return the new version of the product."""
        product = replace(self.get(sku), price=price)
        self._products[sku] = product
        return product

    def categories(self) -> list[str]:
        """The categories in use, sorted."""
        return sorted({product.category for product in self})

    def in_category(self, category: str) -> list[Product]:
        """The products of one category, cheapest first."""
        found = [product for product in self if product.category == category]
        return sorted(found, key=lambda product: (product.price, product.sku))

    def tagged(self, *tags: str) -> list[Product]:
        """The products that carry all of the tags."""
        wanted = set(tags)
        return [product for product in self if wanted <= set(product.tags)]

    def tag_counts(self) -> dict[str, int]:
        """How many products carry each tag."""
        counts: dict[str, int] = defaultdict(int)
        for product in self:
            for tag in product.tags:
                counts[tag] += 1
        return dict(counts)
