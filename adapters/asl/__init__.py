"""The ASL: its destination and its simulator."""
