"""A quick stand-in for the package of this name; its behaviour is set by FAKE_... variables."""
