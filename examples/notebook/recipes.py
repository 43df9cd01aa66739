"""A notebook as a script: run it whole, or cell by cell in an editor that knows `# %%`.

No collector and no server: spans go into a store in this process, in the folder `recipes-data`,
and are asked for right here.

    python examples/notebook/recipes.py
"""

# %% A store of its own
import logging

from otel_vector import (
    initialize_database,
    search_executions,
    search_functions,
    trace_span,
    vectorize,
)

initialize_database(path="recipes-data")

# %% What is to be tried
GRAMS_OF_A_CUP = {"flour": 120, "sugar": 200, "butter": 227}


class UnknownIngredientError(LookupError):
    """There is no weight of a cup of it."""


@trace_span(attributes_to_capture=["ingredient"], capture_return_value=True)
def grams(cups, ingredient):
    """Convert cups to grams."""
    if ingredient not in GRAMS_OF_A_CUP:
        raise UnknownIngredientError(f"how much is a cup of {ingredient}?")
    return cups * GRAMS_OF_A_CUP[ingredient]


@vectorize(
    search_description="Converts a recipe from cups to grams, for any number of guests.",
    sequence_narrative="Each ingredient is converted and then multiplied.",
    capture_inputs=True,
    capture_return_value=True,
)
def convert(recipe, guests=4):
    """Return the weights of a recipe's ingredients."""
    return {name: grams(cups, name) * guests / 4 for name, cups in recipe.items()}


# %% Try it
convert({"flour": 2, "sugar": 0.5}, guests=6)
convert({"butter": 1, "sugar": 1.5})
try:
    convert({"flour": 1, "saffron": 0.1})
except UnknownIngredientError as error:
    logging.getLogger("recipes").info("not converted: %s", error)

# %% What was slow, what failed, and with what?
for run in search_executions(limit=10, sort_by="timestamp_utc", sort_ascending=True):
    print(f"{run['function_name']:<8} {run['status']:<8} {run['duration_ms']:6.2f} ms")

# %% The failures among them, asked in plain words
for run in search_executions(query="no weight known", limit=1, filters={"status": "ERROR"}):
    print(f"failed: {run['error_message']}")

# %% Which function was it that changes the number of guests?
for found in search_functions(query="scale a recipe for more people", limit=1):
    function = found["properties"]
    print(f"found: {function['function_name']}{function['signature']}, line {function['line']}")
