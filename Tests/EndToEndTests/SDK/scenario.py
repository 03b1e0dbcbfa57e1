"""What a program that uses the openai package sees through headgate: scenario.py NAME BASE_URL

Each scenario asserts, and says nothing when all is well.
"""

import asyncio
import sys

import openai

MESSAGES = [{"role": "user", "content": "Hello!"}]


def client(base_url, **options):
    options.setdefault("max_retries", 0)
    return openai.OpenAI(base_url=base_url, api_key="sk-test-key", timeout=20, **options)


def plain(base_url):
    answer = client(base_url).chat.completions.create(model="mock", messages=MESSAGES)
    assert answer.choices[0].message.content, answer
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer._request_id, "an answer has a request id"


def streaming_loop(base_url):
    api = client(base_url)
    whole = api.chat.completions.create(model="mock", messages=MESSAGES).choices[0].message.content
    for _ in range(3):
        text = ""
        stream = api.chat.completions.create(model="mock", messages=MESSAGES, stream=True)
        for chunk in stream:
            text += chunk.choices[0].delta.content or ""
        assert text == whole, (text, whole)


def stream_usage(base_url):
    stream = client(base_url).chat.completions.create(
        model="mock", messages=MESSAGES, stream=True, stream_options={"include_usage": True})
    chunks = list(stream)
    assert chunks[-1].usage.completion_tokens > 0
    assert all(chunk.usage is None for chunk in chunks[:-1])


def async_streams(base_url):
    async def one(api):
        stream = await api.chat.completions.create(model="mock", messages=MESSAGES, stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    async def many():
        async with openai.AsyncOpenAI(base_url=base_url, api_key="sk-test-key", max_retries=0, timeout=20) as api:
            return await asyncio.gather(*[one(api) for _ in range(20)])

    texts = asyncio.run(many())
    assert len(set(texts)) == 1 and texts[0], texts


def errors_of_the_upstream(base_url):
    expected = {
        400: openai.BadRequestError, 401: openai.AuthenticationError, 403: openai.PermissionDeniedError,
        404: openai.NotFoundError, 422: openai.UnprocessableEntityError, 429: openai.RateLimitError,
        500: openai.InternalServerError, 503: openai.InternalServerError,
    }
    codes = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded", 503: "server_is_overloaded"}
    for status, kind in expected.items():
        for stream in (False, True):
            try:
                client(base_url).chat.completions.create(model=f"mock-error-{status}", messages=MESSAGES, stream=stream)
            except openai.APIStatusError as error:
                assert type(error) is kind, (status, error)
                assert error.status_code == status
                assert error.request_id, "an error has a request id"
                assert status not in codes or error.code == codes[status], error.code
            else:
                raise AssertionError(f"no exception for {status}")


def errors_of_headgate(base_url):
    api = client(base_url)
    for path, kind, code in [
        ("/nowhere", openai.NotFoundError, "unknown_url"),
        ("/method", openai.APIStatusError, "method_not_supported"),
        ("/large", openai.APIStatusError, "request_too_large"),
        ("/credential", openai.AuthenticationError, "invalid_api_key"),
        ("/unreachable", openai.InternalServerError, "upstream_unreachable"),
    ]:
        try:
            api.post(path, body={"text": "x" * 100_000}, cast_to=object)
        except openai.APIStatusError as error:
            assert isinstance(error, kind), (path, error)
            assert error.code == code, (path, error.code)
            assert error.request_id, path
            assert error.body["message"] and error.body["type"], error.body
        else:
            raise AssertionError(f"no exception for {path}")


def embeddings(base_url):
    answer = client(base_url).embeddings.create(model="mock-embedding", input=["one", "two"])
    assert len(answer.data) == 2 and len(answer.data[0].embedding) > 1
    assert answer.data[0].embedding != answer.data[1].embedding


def models(base_url):
    api = client(base_url)
    names = [model.id for model in api.models.list()]
    assert "mock" in names, names
    assert api.models.retrieve("mock").id == "mock"
    try:
        api.models.retrieve("no/such")
    except openai.NotFoundError as error:
        assert error.code == "model_not_found"
    else:
        raise AssertionError("a model that there is not")


def early_break(base_url):
    api = client(base_url)
    for _ in range(3):
        stream = api.chat.completions.create(
            model="mock", messages=MESSAGES, stream=True, extra_headers={"x-mock-chunks": "100000"})
        for _ in zip(range(3), stream):
            pass
        stream.close()
    assert api.models.list().data, "the client goes on"


def cut_stream(base_url):
    stream = client(base_url).chat.completions.create(
        model="mock", messages=MESSAGES, stream=True, extra_headers={"x-mock-die": "middle", "x-mock-chunks": "20"})
    try:
        for _ in stream:
            pass
    except openai.APIConnectionError:
        pass  # cut within an event
    except openai.APIError as error:
        assert error.code == "upstream_closed", error.code
    else:
        raise AssertionError("a cut stream looked complete")


def retries(base_url):
    """The client repeats what may be repeated; headgate does not multiply that."""
    try:
        client(base_url, max_retries=2).chat.completions.create(model="mock-error-503", messages=MESSAGES)
    except openai.InternalServerError as error:
        assert error.status_code == 503
    else:
        raise AssertionError("no exception")


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2])
