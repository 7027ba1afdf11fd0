"""Measures the gateway as its users meet it: real processes, real sockets, real signatures."""
