"""What a program that uses the openai package sees of a route to models: first_of.py NAME BASE_URL

Each scenario asserts, and says nothing when all is well. `FirstOf` has the models: `small`, and `busy` and
`gone`, whose first upstreams fail.
"""

import sys

import openai

MESSAGES = [{"role": "user", "content": "Hello!"}]


def client(base_url):
    return openai.OpenAI(base_url=base_url, api_key="sk-test-key", timeout=20, max_retries=0)


def text_of(stream):
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def ask(api, model, **options):
    return api.chat.completions.create(model=model, messages=MESSAGES, **options)


def unknown(base_url):
    for stream in (False, True):
        try:
            ask(client(base_url), "no/such", stream=stream)
        except openai.NotFoundError as error:
            assert error.code == "model_not_found", error.body
            assert error.param == "model", error.body
            assert error.request_id, "an error has a request id"
        else:
            raise AssertionError("a model that there is not")


def failed_over(base_url):
    api = client(base_url)
    whole = ask(api, "small").choices[0].message.content
    for model in ("busy", "gone"):
        answer = ask(api, model)
        assert answer.choices[0].message.content == whole, answer
        assert answer.choices[0].finish_reason == "stop"


def failed_over_stream(base_url):
    api = client(base_url)
    whole = text_of(ask(api, "small", stream=True))
    assert whole
    for model in ("busy", "gone") * 3:
        assert text_of(ask(api, model, stream=True)) == whole


def listed(base_url):
    api = client(base_url)
    assert sorted(model.id for model in api.models.list()) == ["busy", "gone", "small"]
    assert api.models.retrieve("busy").id == "busy"
    try:
        api.models.retrieve("no/such")
    except openai.NotFoundError as error:
        assert error.code == "model_not_found", error.body
    else:
        raise AssertionError("a model that there is not")


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2])
