"""Messages to customers."""

from __future__ import annotations

import logging
import string
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from shop.orders import Order, OrderStatus

logger = logging.getLogger(__name__)

TEMPLATES = {
    OrderStatus.PAID: "Thank you! We have received $total for order $id.",
    OrderStatus.SHIPPED: "Order $id is on its way.",
    OrderStatus.CANCELLED: "Order $id was cancelled; $total will be refunded.",
}


@dataclass(frozen=True)
class Message:
    """A message to one customer."""

    to: str
    text: str


class Channel(Protocol):
    """A way to deliver messages."""

    def send(self, message: Message) -> None:
        """Deliver a message or raise ``OSError``."""


@dataclass
class Outbox:
    """Keeps messages in memory."""

    messages: list[Message] = field(default_factory=list)

    def send(self, message: Message) -> None:
        """Remember a message."""
        self.messages.append(message)


@dataclass
class FileChannel:
    """Appends messages to a file."""

    path: Path

    def send(self, message: Message) -> None:
        """Write one line."""
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(f"{message.to}\t{message.text}\n")


class ConsoleChannel:
    """Prints messages."""

    def send(self, message: Message) -> None:
        """Print one line."""
        print(f"To {message.to}: {message.text}")


def render(order: Order) -> str | None:
    """The text for an order's state, if customers are told about it."""
    template = TEMPLATES.get(order.status)
    if template is None:
        return None
    return string.Template(template).substitute(id=order.id, total=order.total.pretty())


class Notifier:
    """Tries one channel after another until one of them works."""

    def __init__(self, *channels: Channel) -> None:
        self.channels = channels

    def order_changed(self, order: Order) -> bool:
        """Tell the customer about an order; false if there is nothing to tell or no way to."""
        text = render(order)
        if text is None:
            logger.debug("no message for %s", order.status.value)
            return False
        message = Message(order.customer, text)
        for channel in self.channels:
            try:
                channel.send(message)
            except OSError as error:
                logger.warning("%s failed: %s", type(channel).__name__, error)
            else:
                logger.info("notified %s", order.customer)
                return True
        logger.error("could not notify %s about %s", order.customer, order.id)
        return False
