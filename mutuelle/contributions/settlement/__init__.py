"""Settlement: what operators say was paid is posted, covers and is receipted, in one transaction."""
