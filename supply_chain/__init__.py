"""SBOMs of the images and an audit of the locked packages: `make sbom` and `make audit`."""
