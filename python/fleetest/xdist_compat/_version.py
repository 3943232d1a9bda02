"""The version of pytest-xdist whose contract is matched."""

version = "3.8.0"
version_tuple = (3, 8, 0)
