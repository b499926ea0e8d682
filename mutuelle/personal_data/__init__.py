"""What the service keeps of people: what they agreed to, their copy of it, how long it is kept, how it goes."""
