"""The parts of the page, top to bottom, one a file: each turns a part of the view into blocks."""
