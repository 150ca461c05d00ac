"""What the scans for poisoned rows and planted triggers share: tables, cells, surrogates, canaries, how they tell."""
