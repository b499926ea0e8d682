"""The conversations, one a file, and `home` made of them. A menu says what it does in plain words, nothing else."""
