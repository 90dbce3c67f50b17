"""Sample trades, and a stand-in for the API of each exchange."""
