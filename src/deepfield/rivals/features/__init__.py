"""Classical features of images: one kind of them a file, each from a batch to a table."""
