from otel_vector import initialize_database, search_executions, vectorize
import time

client = initialize_database()


@vectorize(
    search_description="High-cost LLM summarization task",
    sequence_narrative="LLM Summarization Step",
    semantic_cache=True,            # Enable caching
    cache_threshold=0.95,           # Cache hit if similarity >= 0.95
    capture_return_value=True       # Required to save the result
)
def summarize_document(document_text: str):
    # Simulate an LLM call or heavy computation (e.g., 0.5 sec delay)
    time.sleep(0.5)
    print("--- [Cache Miss] Document is being summarized by LLM...")
    return f"Summary of: {document_text[:20]}..."

# First call (Cache Miss) - takes ~0.5s, saves result to DB
result_1 = summarize_document("The first quarter results showed strong growth in Europe and Asia...")

# Second call (Cache Hit) - takes ~0.0s, returns cached value
# "Q1 results" is semantically similar to "first quarter results"
result_2 = summarize_document("The Q1 results demonstrated strong growth in Europe and Asia...")


for log in search_executions(filters={"function_name": "summarize_document"}, sort_ascending=True):
    print(log["status"], log["return_value"])
