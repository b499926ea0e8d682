"""What must always hold of the book; `keneya check` runs all of it."""
