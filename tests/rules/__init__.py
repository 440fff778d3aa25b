"""What the rules promise, in three lines each where it goes."""
