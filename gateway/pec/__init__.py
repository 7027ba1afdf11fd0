"""Certified mail (PEC) as values: the mail that carries a document, the receipts that come back.

Knows no sockets, no journal and no submissions. Sources: DPR 11/2/2005 n. 68, the technical rules
of DM 2/11/2005, and RFC 6109, which tells them in English.
"""
