"""HL7 v2 as values: blocks, messages, acknowledgments. Knows no sockets, no SQL, no Italy."""
