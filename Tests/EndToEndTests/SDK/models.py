"""What a program that uses the openai package sees of models: models.py NAME BASE_URL API_KEY

Each scenario asserts, and says nothing when all is well. `ModelsList` has the models and where they lead.
"""

import sys

import openai

MESSAGES = [{"role": "user", "content": "Hello!"}]


def client(base_url, key):
    return openai.OpenAI(base_url=base_url, api_key=key, timeout=20, max_retries=0)


def listed(base_url, key):
    """All of them, page by page as the package has it, and each by itself, also with a slash in its name."""
    api = client(base_url, key)
    models = list(api.models.list())
    names = [model.id for model in models]
    assert names == [
        "gpt-4", "Provider/mock", "Provider/mock-large", "Provider/mock-embedding", "other/one", "Other/other/one",
        "Other/elsewhere/two", "Other/mock", 'renamed "x"', "mock",
    ], names
    for model in models:
        assert model.object == "model" and model.created > 0 and model.owned_by, model
        assert api.models.retrieve(model.id) == model
    for name in ["nothing", "Provider/nothing", "other/two"]:
        missing(api, name)


def limited(base_url, key):
    """A key for two models: the others are not there."""
    api = client(base_url, key)
    assert [model.id for model in api.models.list()] == ["gpt-4", "other/one"]
    assert api.models.retrieve("other/one").id == "other/one"
    for name in ["mock", "Provider/mock"]:
        missing(api, name)
        try:
            api.chat.completions.create(model=name, messages=MESSAGES)
        except openai.PermissionDeniedError as error:
            assert error.code == "model_not_allowed", error.body
        else:
            raise AssertionError(f"{name} may not be used")


def missing(api, name):
    try:
        api.models.retrieve(name)
    except openai.NotFoundError as error:
        assert error.code == "model_not_found" and error.type == "invalid_request_error", error.body
    else:
        raise AssertionError(f"there is no model {name}")


def named(base_url, key):
    """`Provider/model` picks the provider, an alias another name, and a program that names none gets one."""
    api = client(base_url, key)
    for name, there in [
        ("Provider/mock-large", "mock-large"), ("mock", "mock"), ("gpt-4", "mock-large"), ("Provider/a/b", "a/b"),
    ]:
        answer = api.chat.completions.create(model=name, messages=MESSAGES)
        assert answer.model == there and answer.choices[0].message.content, (name, answer)
        chunks = list(api.chat.completions.create(model=name, messages=MESSAGES, stream=True))
        assert chunks[0].model == there, chunks[0]
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices), name
    answer = api.chat.completions.create(model=openai.NOT_GIVEN, messages=MESSAGES)
    assert answer.model == "mock", answer
    for stream in (False, True):
        try:
            api.chat.completions.create(model="Nobody/mock", messages=MESSAGES, stream=stream)
        except openai.NotFoundError as error:
            assert error.code == "model_not_found" and error.param == "model", error.body
        else:
            raise AssertionError("there is no such provider")


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2], sys.argv[3])
