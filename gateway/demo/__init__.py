"""The demonstration: a whole deployment on this machine, a feed of births, and what became of them.

`stage` starts and stops the processes, `hospital` plays the HIS, `feed` tells the stories, `show`
draws the table. Tests and benchmarks stand on the same stage.
"""
