from __future__ import annotations

import errno
import logging
from datetime import datetime

import pytest

from shop.cart import Line
from shop.notifications import ConsoleChannel, FileChannel, Message, Notifier, Outbox, render
from shop.orders import Order, OrderStatus


class BrokenChannel:
    def send(self, message: Message) -> None:
        raise OSError(errno.ECONNREFUSED, "connection refused")


@pytest.fixture
def order(catalog):
    line = Line(catalog.get("GC-1001"), 1)
    placed_at = datetime(2024, 5, 17)
    return Order("A-1", "ann@example.com", [line], placed_at, status=OrderStatus.PAID)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (OrderStatus.PAID, "Thank you! We have received €49.99 for order A-1."),
        (OrderStatus.CANCELLED, "Order A-1 was cancelled; €49.99 will be refunded."),
        (OrderStatus.NEW, None),
    ],
    ids=lambda value: value.value if isinstance(value, OrderStatus) else "",
)
def test_render(order, status, text):
    order.status = status
    assert render(order) == text


def test_first_channel_wins(order, outbox):
    second = Outbox()
    assert Notifier(outbox, second).order_changed(order)
    assert (len(outbox.messages), len(second.messages)) == (1, 0)


def test_fallback(order, outbox, caplog):
    assert Notifier(BrokenChannel(), outbox).order_changed(order)
    assert outbox.messages[0].to == "ann@example.com"
    assert "BrokenChannel failed" in caplog.text


def test_every_channel_fails(order, caplog):
    assert not Notifier(BrokenChannel(), BrokenChannel()).order_changed(order)
    levels = [record.levelno for record in caplog.records]
    assert levels == [logging.WARNING, logging.WARNING, logging.ERROR]


def test_file_channel(order, tmp_path):
    path = tmp_path / "sent.tsv"
    notifier = Notifier(FileChannel(path))
    notifier.order_changed(order)
    order.status = OrderStatus.SHIPPED
    notifier.order_changed(order)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line.split("\t")[0] for line in lines] == ["ann@example.com"] * 2


def test_console_channel(order, capsys):
    Notifier(ConsoleChannel()).order_changed(order)
    captured = capsys.readouterr()
    assert captured.out.startswith("To ann@example.com: Thank you!")
    assert captured.err == ""


@pytest.mark.skip(reason="needs an account with a text message provider")
def test_text_message_channel():
    pytest.fail("never run")
