"""Plays the outside world: Africa's Talking, a mobile money operator and a handset in a web page.

It is a process of its own that imports nothing of the service and meets it over the wire only, as the real
ones do.
"""
