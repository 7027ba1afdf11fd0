"""What a message means for a case. Pure values: no I/O, no clock of its own.

`definition` reads the flow file, `reading` evaluates it on a dossier, `plan` answers with
directives: open this submission, move that one. Whoever stores things carries them out.
"""
