"""Plays the outside world: Africa's Talking, a mobile money operator and a handset in a web page.

It is its own process, imports nothing of the service, and speaks to it over HTTP only, as the real ones do.
"""
