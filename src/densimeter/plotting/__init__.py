"""Pictures: arrays and anything with the named attributes, drawn on matplotlib axes."""
