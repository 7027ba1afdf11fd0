"""Texts of mappings made by the gateway: a skeleton for a new schema, the one layout of a file.

What is written here is read again before it is given away: nothing leaves that the reader of
mappings would refuse or understand otherwise. Prints nothing, opens no file.
"""
