"""Rows of cost side by side: one table over platforms and networks, as HTML, Markdown and CSV."""
