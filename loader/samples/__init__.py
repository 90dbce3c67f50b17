"""Stand-ins for the public APIs: seeded worlds and servers that speak each API's protocol."""
