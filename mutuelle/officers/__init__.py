"""Officers: roles, appointments, PINs, and the acts that take two of them."""
