"""From a cart to a paid order."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shop.cart import Cart
from shop.discounts import Discount, best_discount
from shop.errors import ShopError
from shop.gateway import PaymentClient
from shop.inventory import Inventory
from shop.money import Money, total
from shop.notifications import Notifier
from shop.orders import Order, OrderStatus, order_number
from shop.shipping import CarrierClient, cheapest
from shop.tax import REGIONS, tax_breakdown

logger = logging.getLogger(__name__)

FREE_SHIPPING_FROM = Money.parse("150.00 EUR")


@dataclass
class Checkout:
    """Reserves stock, adds up the bill, takes the payment and tells the customer."""

    inventory: Inventory
    payments: PaymentClient
    notifier: Notifier
    carriers: Sequence[CarrierClient]
    now: Callable[[], datetime] = datetime.now
    _sequence: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def bill(
        self, cart: Cart, customer: str, region: str, zone: str, discounts: Sequence[Discount] = ()
    ) -> Order:
        """A new order with everything worked out, not yet paid."""
        if not len(cart):
            raise ShopError("the cart is empty")
        placed_at = self.now()
        lines = cart.lines
        rules = REGIONS[region]
        tax = Money.zero()
        if not rules.inclusive:
            tax = total(tax_breakdown(lines, rules).values())
        shipping = Money.zero()
        if cart.subtotal < FREE_SHIPPING_FROM:
            shipping = cheapest(c.quote(zone, cart.weight_g) for c in self.carriers).price
        return Order(
            id=order_number(placed_at, next(self._sequence)),
            customer=customer,
            lines=lines,
            placed_at=placed_at,
            discount=best_discount(lines, discounts),
            shipping=shipping,
            tax=tax,
        )

    async def place(
        self,
        cart: Cart,
        customer: str,
        card: str,
        *,
        region: str = "DE",
        zone: str = "DOM",
        discounts: Sequence[Discount] = (),
    ) -> Order:
        """Buy what is in the cart; on failure the stock is released and the cart kept."""
        order = self.bill(cart, customer, region, zone, discounts)
        reservation = self.inventory.reserve(cart.quantities)
        try:
            await self.payments.pay(order.id, card, order.total)
        except ShopError:
            logger.warning("payment for %s failed", order.id)
            self.inventory.release(reservation)
            raise
        self.inventory.commit(reservation)
        order.advance(OrderStatus.PAID, self.now())
        cart.clear()
        self.notifier.order_changed(order)
        return order
