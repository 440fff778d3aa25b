"""One file a page: what it lists, what it shows of one record, and the acts that it offers."""
