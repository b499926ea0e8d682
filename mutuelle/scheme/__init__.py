"""The scheme: mutuelles and their places, products and their prices, and the records of them under the seal."""
