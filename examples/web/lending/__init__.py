"""What the library itself is about: who may borrow, and what being late costs."""
