"""Agenzia delle Entrate: its destination and its simulator."""
