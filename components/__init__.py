"""Things a person looks at; each draws a Response."""
