import warnings


class Money:
    def __init__(self, amount):
        self.amount = amount

    def __eq__(self, other):
        return self.amount == other.amount

    __hash__ = None


def pytest_assertrepr_compare(op, left, right):
    if isinstance(left, Money) and isinstance(right, Money) and op == "==":
        return ["amounts:", f"   {left.amount} is not {right.amount}"]
    return None


def pytest_assertion_pass(item, lineno, orig, expl):
    warnings.warn("only with enable_assertion_pass_hook", stacklevel=1)
