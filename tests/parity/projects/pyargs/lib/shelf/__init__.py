"""A package with its tests inside.

>>> SIZE
3
"""

SIZE = 3
