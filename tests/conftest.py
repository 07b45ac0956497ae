"""What holds for all tests: hypothesis takes the same examples every time, and times none of them; Ctrl-C is heard."""

from __future__ import annotations

import signal

from hypothesis import settings

settings.register_profile("glassmaster", derandomize=True, deadline=None, database=None, max_examples=60)
settings.load_profile("glassmaster")

# A shell starts what it puts in the background with these ignored, and so would be everything that tests start.
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
