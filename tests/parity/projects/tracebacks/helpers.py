class Wrapped(Exception):
    """An exception that knows more than its message."""

    def __init__(self, message, code):
        super().__init__(message)
        self.code = code


def parse(text):
    try:
        return int(text)
    except ValueError as error:
        raise Wrapped(f"cannot parse {text!r}", 42) from error


def hidden_check(value):
    __tracebackhide__ = True
    assert value, "hidden frame"
