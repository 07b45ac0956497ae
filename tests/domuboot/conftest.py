"""The stand-in's build and the example of config-new, which other tests have, too."""

from tests.build.conftest import first_build, shared

__all__ = ["first_build", "shared"]
