"""A quick stand-in for the package of this name; its behaviour is set by FAKE_... variables."""

from pkgutil import extend_path

# What is not stood in for (names, the check of an export) is the real package's.
__path__ = extend_path(__path__, __name__)
