import sys

from shop.prices import gross

if len(sys.argv) > 1:
    print(gross(int(sys.argv[1]), "ch"))
else:
    print("nothing")
