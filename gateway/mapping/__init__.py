"""The mapping language. Knows no HTTP, no SQL, no administration."""
