"""Many rows decided at once, for whoever scores a table: the decision path of the gateway, by columns."""
