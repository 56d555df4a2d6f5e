"""Settings of all tests."""

from hypothesis import settings

# how long an example takes says more about the machine than about the law
settings.register_profile("densimeter", deadline=None)
settings.load_profile("densimeter")
