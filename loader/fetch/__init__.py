"""How records reach us: paced and retried requests, and answers cut into records."""
