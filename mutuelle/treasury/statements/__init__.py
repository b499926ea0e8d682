"""Statements of operators and banks: read, taken in line by line, and held against the book."""
