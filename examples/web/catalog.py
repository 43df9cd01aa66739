"""The catalog service: which books there are and how many copies are on the shelf, in SQLite."""

import sqlite3

from fastapi import FastAPI, HTTPException

BOOKS = [
    ("b-1", "The Time Machine", 2),
    ("b-2", "Frankenstein", 1),
    ("b-3", "The Moonstone", 0),
]

app = FastAPI()
database = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
database.execute("CREATE TABLE books (id TEXT PRIMARY KEY, title TEXT, copies INT)")
database.executemany("INSERT INTO books VALUES (?, ?, ?)", BOOKS)


@app.get("/books/{book}")
def show(book: str):
    row = query("SELECT title, copies FROM books WHERE id = ?", book)
    if row is None:
        raise HTTPException(404, f"no book {book}")
    return {"title": row[0], "copies": row[1]}


@app.post("/books/{book}/taken")
def take(book: str):
    update = "UPDATE books SET copies = copies - 1 WHERE id = ? AND copies > 0 RETURNING copies"
    row = query(update, book)
    if row is None:
        raise HTTPException(409, f"no copy of {book} is on the shelf")
    return {"copies": row[0]}


def query(statement, *values):
    """Return the first row. A cursor of its own per call: each is a span of the database."""
    cursor = database.cursor()
    cursor.execute(statement, values)
    return cursor.fetchone()
