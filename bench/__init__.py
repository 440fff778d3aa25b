"""What the hub costs, as ratios against the smallest intake that a person would write by hand."""
