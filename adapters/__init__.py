"""The edges: where bytes meet the network and the administrations."""
