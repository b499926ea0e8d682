"""Who acts for a mutuelle: offices, what gives and ends them, PINs, and the cash that passes through their hands."""
