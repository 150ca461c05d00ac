"""For tests of Shipworthy and of what is built on it: hand-turned clocks, a store in memory, places to be cut off."""
