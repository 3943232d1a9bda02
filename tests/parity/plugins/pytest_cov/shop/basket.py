from shop.prices import discount, gross


class Basket:
    def __init__(self):
        self.lines = []

    def add(self, name, price):
        self.lines.append((name, price))

    def total(self, country, percent=0):
        total = 0
        for _, price in self.lines:
            total += gross(price, country)
        else:
            total = discount(total, percent)
        return total

    def clear(self):
        while self.lines:
            self.lines.pop()
