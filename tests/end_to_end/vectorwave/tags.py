import json

from otel_vector import initialize_database, search_executions, vectorize

client = initialize_database()


# --- .env file ---
# RUN_ID=global-run-abc
# TEAM=default-team

@vectorize(
    search_description="Process payment",
    sequence_narrative="...",
    team="billing",  # <-- Function-specific tag
    priority=1       # <-- Function-specific tag
)
def process_payment():
    pass

@vectorize(
    search_description="Another function",
    sequence_narrative="...",
    run_id="override-run-xyz" # <-- Overrides the global tag
)
def other_function():
    pass


process_payment()
other_function()

for log in search_executions(sort_by="timestamp_utc", sort_ascending=True):
    tags = {name: log[name] for name in ("run_id", "team", "priority") if name in log}
    print(f"{log['function_name']}: {json.dumps(tags)}")
