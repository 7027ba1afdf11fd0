"""One module a revision, `rNNNN_what.py`; never changed once released."""
