"""Commands: parse, call, print. No mathematics, and no heavy import before a command needs it."""
