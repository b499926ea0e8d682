"""Conversations, whatever the channel: `words` is what a menu may say, `engine` plays it, `journal` remembers."""
