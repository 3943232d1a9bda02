"""Run the command line interface with ``python -m shop``."""

from __future__ import annotations

import sys

from shop.cli import main

if __name__ == "__main__":
    sys.exit(main())
