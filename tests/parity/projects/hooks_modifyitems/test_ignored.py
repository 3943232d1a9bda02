raise RuntimeError("must not be collected")
