"""Founding a mutuelle: the rules that its terms must keep, and all that it begins with."""
