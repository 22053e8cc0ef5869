"""Mail: the ledger, rendering, delivery, and what comes back."""
