"""The page for people at `/`, and its files at `/page/`."""
