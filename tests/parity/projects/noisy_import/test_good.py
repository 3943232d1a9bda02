import logging
import sys

print("good module is imported")
print("good module on stderr", file=sys.stderr)
logging.getLogger("good").warning("logged at import")


def test_fails():
    print("in the test")
    assert False
