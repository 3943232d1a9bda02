raise RuntimeError("never collected")
