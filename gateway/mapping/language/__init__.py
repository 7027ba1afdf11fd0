"""What an editor asks while a mapping is written: findings, completions, meanings, places.

Pure: texts and positions in, texts and positions out. The protocol is spoken in `gateway.cli.map`.
"""
