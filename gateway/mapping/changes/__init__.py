"""What another version of a mapping makes of the same messages, and which line of it is why.

Built on the traced build. Gives values that hold what messages say: they are for the operator's
own eyes, as those of `seeing`. Prints nothing.
"""
