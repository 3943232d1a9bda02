import functools
import logging
import sys

print("keeper is imported")

kept_stdout = sys.stdout
kept_write = sys.stdout.write
say = functools.partial(print, file=sys.stdout)

logger = logging.getLogger("keeper")
logger.addHandler(logging.StreamHandler())
logger.addHandler(logging.StreamHandler(sys.stdout))
logger.setLevel("INFO")
logger.propagate = False
