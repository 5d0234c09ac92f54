"""A world as JSON and back: what is written of it, and how each kind of value is."""
