"""A stand-in for Semantic Scholar that knows the sample institution's papers."""
