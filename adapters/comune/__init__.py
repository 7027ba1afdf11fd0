"""The Comune: its destination and its simulator."""
