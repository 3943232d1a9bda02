"""Holds the plugin name ``xdist.looponfail``, so that a real xdist's module is not loaded."""
