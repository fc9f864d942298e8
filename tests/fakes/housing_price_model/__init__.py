"""A fast fake of the package with this name, configured by FAKE_... variables."""

from pkgutil import extend_path

# Modules that are not faked (names, the check of an export) come from the real package.
__path__ = extend_path(__path__, __name__)
