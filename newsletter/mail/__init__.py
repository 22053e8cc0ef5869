"""Mail: the ledger, its words, its bytes, and the way out."""
