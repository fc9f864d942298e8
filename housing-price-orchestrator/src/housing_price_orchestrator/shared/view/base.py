"""The base class of every public JSON document, and the annotation of its integers."""

from housing_price_platform.orders.document import INTEGRAL, Document

__all__ = ["INTEGRAL", "View"]


class View(Document):
    """A public JSON document: camelCase keys, no unknown keys, no coercion, immutable."""
