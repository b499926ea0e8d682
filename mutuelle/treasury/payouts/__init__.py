"""Money that operators send to phones: signed by two, reserved in the book, sent, and never sent twice."""
