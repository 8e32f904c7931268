"""The page before a project is open: templates, projects, what is left of a crash."""
