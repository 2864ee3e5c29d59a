"""Mocks: a sky, a survey and a telescope put together; one function a file, named like it."""
