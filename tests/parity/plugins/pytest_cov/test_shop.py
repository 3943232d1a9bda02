import subprocess
import sys
import threading

import pytest
from shop.basket import Basket
from shop.prices import discount, gross


@pytest.mark.parametrize("net, result", [(100, 119), (0, 0), (200, 238)])
def test_gross(net, result):
    assert gross(net, "de") == result


def test_unknown_country():
    with pytest.raises(KeyError):
        gross(1, "xx")


def test_discount():
    assert discount(100, 10) == 90


def test_no_discount():
    assert discount(100) == 100


def test_basket():
    basket = Basket()
    basket.add("book", 100)
    assert basket.total("ch") == 108


def test_clear_in_thread():
    basket = Basket()
    basket.add("pen", 1)
    thread = threading.Thread(target=basket.clear)
    thread.start()
    thread.join()
    assert not basket.lines


def test_child():
    done = subprocess.run(
        [sys.executable, "-m", "shop", "100"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "108\n"
