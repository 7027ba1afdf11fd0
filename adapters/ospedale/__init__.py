"""The hospital as a destination: the A31 that carries the codice fiscale back."""
