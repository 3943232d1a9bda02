"""A day in the shop: import, checkout, storage and reports together."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from shop.cart import Cart
from shop.checkout import Checkout
from shop.gateway import PaymentClient, SimulatedGateway
from shop.inventory import Inventory
from shop.jobs import JobQueue
from shop.notifications import FileChannel, Notifier
from shop.orders import OrderStatus
from shop.reports import revenue_by_day, top_products
from shop.shipping import CarrierClient
from shop.storage import Database, OrderStore, ProductStore
from shop.transfer import load_file
from tests.helpers import CARD

OPENING = datetime(2024, 5, 17, 9, 0)

pytestmark = [pytest.mark.slow, pytest.mark.storage]


@pytest.fixture
def database(tmp_path, products_csv):
    with Database(tmp_path / "day.db") as database:
        ProductStore(database).save(*load_file(products_csv))
        yield database


@pytest.fixture
def checkout(database, tmp_path):
    catalog = ProductStore(database).catalog()
    return Checkout(
        Inventory({product.sku: 50 for product in catalog}),
        PaymentClient(SimulatedGateway(latency=0.1), pause=0.01),
        Notifier(FileChannel(tmp_path / "sent.tsv")),
        [CarrierClient("Snail", latency=0.02)],
        now=lambda: OPENING,
    )


@pytest.mark.parametrize("customers", [1, 6, 12])
async def test_a_day(database, checkout, tmp_path, customers):
    catalog = ProductStore(database).catalog()
    store = OrderStore(database)
    skus = [product.sku for product in catalog if product.weight_g < 1000]

    async def buy(number: int) -> None:
        cart = Cart(catalog)
        cart.add(skus[0])
        cart.add(skus[number + 1], 2)
        store.save(await checkout.place(cart, f"customer{number}@example.com", CARD))

    async with JobQueue(workers=4) as queue:
        for number in range(customers):
            queue.submit(f"customer {number}", lambda number=number: buy(number))
    assert queue.failed == []

    paid = store.with_status([OrderStatus.PAID])
    assert len(paid) == customers
    assert list(revenue_by_day(paid)) == [OPENING.date()]
    assert dict(top_products(paid, 20))[skus[0]] == customers
    assert len((tmp_path / "sent.tsv").read_text(encoding="utf-8").splitlines()) == customers


class TestOpeningHours:
    def setup_method(self, method):
        self.now = OPENING

    def test_closing(self):
        self.now += timedelta(hours=10)
        assert self.now.hour == 19

    def test_each_test_has_its_own_clock(self):
        assert self.now == OPENING
