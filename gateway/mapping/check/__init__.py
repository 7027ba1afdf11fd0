"""What the checker knows beside the compiler: paths, codes, comparisons, branches and names, values
against types, children against particles.

Nothing here runs when a message is translated. What is asked while compiling takes the Scope and
the column of a token, or gives a reason to its caller; each fault is told once, where it stands.
"""
