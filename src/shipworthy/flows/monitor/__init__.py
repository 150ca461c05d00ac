"""`shipworthy monitor`: a report over logged requests, by the windows, measures and judge of live traffic."""
