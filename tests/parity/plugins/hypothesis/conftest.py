from hypothesis import settings

settings.register_profile("steady", database=None, deadline=None, max_examples=30)
settings.register_profile("quick", settings.get_profile("steady"), max_examples=5)
settings.load_profile("steady")
