"""The only room with SQL. Knows no Twisted and no HL7 content."""
