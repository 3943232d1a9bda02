"""Prices."""

TAX = {"de": 19, "ch": 8}


def gross(net, country):
    if country not in TAX:
        raise KeyError(country)
    return net + net * TAX[country] // 100


def discount(price, percent=0):
    if percent:
        price -= price * percent // 100
    if price < 0:
        return 0
    return price


def never_called():
    return "uncovered"
