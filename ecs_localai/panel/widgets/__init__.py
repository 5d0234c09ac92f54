"""The controls and displays that the panel's sections are made of, one a file."""
