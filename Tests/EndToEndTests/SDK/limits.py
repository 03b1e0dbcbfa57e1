"""What a program that uses the openai package sees of limits: limits.py NAME BASE_URL

Each scenario asserts, and says nothing when all is well. `LimitsWithSDK` has the routes and what they allow.
"""

import re
import sys
import time

import openai

MESSAGES = [{"role": "user", "content": "Hello!"}]


def client(base_url, **options):
    options.setdefault("max_retries", 0)
    return openai.OpenAI(base_url=base_url, api_key="sk-test-key", timeout=20, **options)


def ask(api, **options):
    """The answer with its head."""
    return api.chat.completions.with_raw_response.create(model="mock", messages=MESSAGES, **options)


def refusal(api, **options):
    """The error of the first request that is refused, of some."""
    for _ in range(50):
        try:
            ask(api, **options)
        except openai.RateLimitError as error:
            assert error.status_code == 429
            assert error.request_id, "an error has a request id"
            assert error.message, error
            return error
    raise AssertionError("nothing was refused")


def told(base_url):
    """One request a second: every answer says how the client stands, and a refusal says how long to wait."""
    api = client(base_url)
    head = ask(api).headers
    assert head["x-ratelimit-limit-requests"] == "1", head
    assert head["x-ratelimit-remaining-requests"] == "0", head
    assert re.fullmatch(r"[0-9]+ms|[0-9.]+s", head["x-ratelimit-reset-requests"]), head
    assert head["ratelimit-policy"] == '"quick/requests-per-second";q=1;w=1', head
    assert head["ratelimit"] == '"quick/requests-per-second";r=0;t=1', head
    assert "retry-after" not in head and "x-should-retry" not in head, head

    error = refusal(api)
    assert error.code == "rate_limit_exceeded" and error.type == "rate_limit_error", error.body
    assert error.body["message"] == "Rate limit of 1 requests per second exceeded (quick)", error.body
    head = error.response.headers
    assert head["retry-after"] == "1" and 1 <= int(head["retry-after-ms"]) <= 1000, head
    assert head["ratelimit"] == '"quick/requests-per-second";r=0;t=1', head
    assert head["x-ratelimit-remaining-requests"] == "0", head
    assert "x-should-retry" not in head, head


def waits(base_url):
    """A client that may repeat waits as long as it is told, and no request of its program fails."""
    api = client(base_url, max_retries=2)
    start = time.monotonic()
    answers = [ask(api) for _ in range(4)]
    elapsed = time.monotonic() - start
    assert all(answer.parse().choices[0].message.content for answer in answers)
    assert elapsed >= 3, f"four requests at one a second, in {elapsed} s"
    retries = [answer.retries_taken for answer in answers]
    assert sum(retries) >= 1 and max(retries) <= 2, retries


def too_large(base_url):
    """No waiting helps: the client is told not to come again, although it would."""
    error = refusal(client(base_url, max_retries=2), max_tokens=5000)
    assert error.code == "rate_limit_exceeded", error.body
    assert error.body["message"].startswith("Request too large: it may use "), error.body
    head = error.response.headers
    assert head["x-should-retry"] == "false" and "retry-after" not in head, head
    assert head["x-ratelimit-limit-tokens"] == "400", head


def tokens_used_up(base_url):
    """What was used counts, and the answer says what is left."""
    api = client(base_url)
    first = ask(api, max_tokens=20)
    usage = first.parse().usage
    second = ask(api, max_tokens=20).headers
    left = 400 - usage.total_tokens
    assert int(first.headers["x-ratelimit-limit-tokens"]) == 400
    assert int(second["x-ratelimit-remaining-tokens"]) <= left - 20, (second, usage)
    error = refusal(api, max_tokens=100)
    assert error.code == "rate_limit_exceeded", error.body
    # Tokens come back by sub-windows of a second: up to one later than a minute.
    assert 1 <= int(error.response.headers["retry-after"]) <= 61, error.response.headers


def budget(base_url):
    """A budget is another code, which programs know as out of money."""
    error = refusal(client(base_url, max_retries=2))
    assert error.code == "insufficient_quota" and error.type == "insufficient_quota", error.body
    assert "$1 per day" in error.body["message"], error.body
    assert error.response.headers["x-should-retry"] == "false", error.response.headers


def cut(base_url):
    """A stream that uses up its limit ends with an error, never as if it were complete."""
    stream = client(base_url).chat.completions.create(
        model="mock", messages=MESSAGES, stream=True,
        extra_headers={"x-mock-chunks": "5000", "x-mock-chunk-delay-ms": "1"})
    reasons = []
    try:
        for chunk in stream:
            reasons += [choice.finish_reason for choice in chunk.choices if choice.finish_reason]
    except openai.APIError as error:
        assert error.code == "rate_limit_exceeded" and error.type == "rate_limit_error", error.body
        assert "400 tokens per minute" in error.message, error.message
    else:
        raise AssertionError("a cut stream looked complete")
    assert not reasons, reasons


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2])
