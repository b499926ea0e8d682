"""The commands of `keneya`, one module a group; `add(commands)` of every module adds its commands.

A command is a coroutine from the typed arguments to its exit code; its fault is one line (`CommandError`).
"""
