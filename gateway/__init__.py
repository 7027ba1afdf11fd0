"""Icaro Gateway: carries a birth from the maternity ward to the administrations."""

__version__ = "0.1.0"
