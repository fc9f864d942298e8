"""A fast fake of the package with this name, configured by FAKE_... variables."""
