"""What the traffic shows: events become windows, windows and late labels become measurements."""
