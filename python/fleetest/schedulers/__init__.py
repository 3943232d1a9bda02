"""pytest-xdist's schedulers, in Python: what plugins derive their own from.

A run without a plugin's scheduler uses the native one (src/sched), in every mode.
"""
