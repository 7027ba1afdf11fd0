"""The verbs of the command icaro."""
