"""Pictures of arrays and of anything with the named attributes; the only room that imports matplotlib."""
