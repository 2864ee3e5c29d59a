"""Likelihood: what an exact, fast and differentiable renderer makes possible.

A ``Model`` says how numbers become images, ``starts`` guesses them from moments, ``fit`` finds the
best ones and their covariance, and ``log_likelihood`` weighs any others.
"""
