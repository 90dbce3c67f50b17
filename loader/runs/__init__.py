"""One run from end to end: each source loaded, each domain built and published, and a report."""
