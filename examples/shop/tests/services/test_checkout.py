from __future__ import annotations

from datetime import datetime

import pytest

from shop.cart import Cart
from shop.checkout import Checkout
from shop.discounts import AmountOff, PercentOff
from shop.errors import OutOfStock, PaymentDeclined, ShopError
from shop.inventory import Inventory
from shop.money import Money
from shop.notifications import Notifier
from shop.orders import OrderStatus
from shop.shipping import CarrierClient
from tests.helpers import CARD, DECLINED_CARD

NOW = datetime(2024, 5, 17, 12, 0)


@pytest.fixture
def inventory():
    return Inventory({"GC-1001": 10, "GT-1002": 2, "TEA-100": 100, "BK-2001": 5, "TOY-301": 5})


@pytest.fixture
def checkout(inventory, client, outbox):
    carriers = [CarrierClient("Snail", latency=0.02), CarrierClient("Hare", surcharge=Money(300))]
    return Checkout(inventory, client, Notifier(outbox), carriers, now=lambda: NOW)


async def test_happy_path(checkout, filled_cart, inventory, outbox, gateway):
    order = await checkout.place(filled_cart, "ann@example.com", CARD)
    assert order.status is OrderStatus.PAID
    assert order.total == Money(2 * 4999 + 3 * 450 + 990)
    assert inventory.on_hand("GC-1001") == 8
    assert len(filled_cart) == 0
    assert [message.to for message in outbox.messages] == ["ann@example.com"]
    assert gateway.charges[order.id].amount == order.total


async def test_declined_payment_keeps_everything(checkout, filled_cart, inventory, outbox):
    with pytest.raises(PaymentDeclined):
        await checkout.place(filled_cart, "ann@example.com", DECLINED_CARD)
    assert inventory.available("GC-1001") == 10
    assert len(filled_cart) == 5
    assert outbox.messages == []


async def test_out_of_stock_is_not_charged(checkout, cart, gateway):
    cart.add("GT-1002", 3)
    with pytest.raises(OutOfStock):
        await checkout.place(cart, "ann@example.com", CARD)
    assert gateway.calls == 0


async def test_empty_cart(checkout, cart):
    with pytest.raises(ShopError, match="empty"):
        await checkout.place(cart, "ann@example.com", CARD)


@pytest.mark.parametrize(("region", "tax"), [("DE", 0), ("US-CA", 725)])
def test_tax_is_added_where_prices_do_not_include_it(checkout, cart, region, tax):
    cart.add("GC-1001", 2)
    cart.add("TEA-100", 1)
    assert checkout.bill(cart, "ann@example.com", region, "DOM").tax == Money(tax)


@pytest.mark.parametrize(("chairs", "shipping"), [(1, 590), (3, 990), (4, 0)])
def test_shipping_is_free_for_large_orders(checkout, cart, chairs, shipping):
    cart.add("GC-1001", chairs)
    assert checkout.bill(cart, "ann@example.com", "DE", "DOM").shipping == Money(shipping)


@pytest.mark.parametrize(
    ("discounts", "off"),
    [([], 0), ([PercentOff(10)], 500), ([PercentOff(10), AmountOff(Money(700))], 700)],
    ids=["none", "one", "best of two"],
)
async def test_discounts(checkout, cart, discounts, off):
    cart.add("GC-1001")
    order = await checkout.place(cart, "ann@example.com", CARD, discounts=discounts)
    assert order.discount == Money(off)


async def test_order_numbers_count_up(checkout, catalog):
    numbers = []
    for _ in range(3):
        cart = Cart(catalog)
        cart.add("TEA-100")
        numbers.append((await checkout.place(cart, "ann@example.com", CARD)).id)
    assert [number.split("-")[1] for number in numbers] == ["00001", "00002", "00003"]


@pytest.mark.slow
@pytest.mark.parametrize("gateway", [{"latency": 0.2, "outages": 2}], indirect=True, ids=["flaky"])
@pytest.mark.usefixtures("gateway")
async def test_a_bad_day_at_the_provider(checkout, filled_cart):
    order = await checkout.place(filled_cart, "ann@example.com", CARD)
    assert order.status is OrderStatus.PAID
