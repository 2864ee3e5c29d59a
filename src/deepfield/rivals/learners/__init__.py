"""Classical learners: one a file, each from a table with classes to probabilities."""
