"""The scheme: mutuelles and their places, products and their prices, and what of them is under the seal."""
