"""What the checker knows beside the compiler: values against types, children against particles.

Nothing here runs when a message is translated. Each module takes what was compiled and gives
reasons; where a finding stands is its caller's to say.
"""
