"""The commands of `keneya`, a group a module, found by being there: each has `add(commands)` and hangs its own in.

A command is a coroutine from the typed arguments to its exit code; its fault is one line (`CommandError`).
"""
