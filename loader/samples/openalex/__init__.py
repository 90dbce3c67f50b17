"""A sample institution, and a stand-in for OpenAlex that serves it."""
