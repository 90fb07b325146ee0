"""The weights that come with the package, each with its card; `tinytracker.zoo` finds them by name."""
