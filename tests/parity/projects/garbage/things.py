class Thing:
    """Something that knows how many of it live."""

    living = 0

    def __init__(self):
        self.me = self
        Thing.living += 1

    def __del__(self):
        Thing.living -= 1


AT_IMPORT = Thing()
