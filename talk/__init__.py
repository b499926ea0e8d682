"""Conversations, whatever the channel: `words` is what a menu may say, `engine` plays it, `session` remembers."""
