"""What a mapping says in words, as a table that an administration can read and sign: element,
how often, fields, rule, code table, tests. From the text alone; no message is run.
"""
