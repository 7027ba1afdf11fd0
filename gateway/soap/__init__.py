"""Envelopes, signatures, contracts. Knows no queues and no HL7."""
