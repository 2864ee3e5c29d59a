"""Heads: from a network's features to a distribution of what is asked, one family a file."""
