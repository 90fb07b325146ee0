"""Where a page is, said on the terminal and opened in the browser."""

from __future__ import annotations

import threading
import webbrowser

import typer


def say_page(address: str, ends: str, opens: bool) -> None:
    """Prints the page's address and how it ends; opens it, without waiting for the browser."""
    typer.echo(f"the page: {address}\n{ends}")
    if opens:
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
