"""What follows from what was seen: judgements become orders, orders become postures, breaches become incidents."""
