"""What a program that uses the openai package sees of who may come in: authentication.py NAME BASE_URL KEY

Each scenario asserts, and says nothing when all is well.
"""

import sys

import openai

MESSAGES = [{"role": "user", "content": "Hello!"}]


def client(base_url, key, **options):
    options.setdefault("max_retries", 0)
    return openai.OpenAI(base_url=base_url, api_key=key, timeout=20, **options)


def ask(api, stream):
    answer = api.chat.completions.create(model="mock", messages=MESSAGES, stream=stream)
    if not stream:
        return answer.choices[0].message.content
    return "".join(chunk.choices[0].delta.content or "" for chunk in answer)


def admitted(base_url, key):
    api = client(base_url, key)
    plain, streamed = ask(api, False), ask(api, True)
    assert plain and plain == streamed, (plain, streamed)
    assert api.models.list().data


def refused(base_url, key, kind, status, code, kind_text="authentication_error", **options):
    for stream in (False, True):
        try:
            ask(client(base_url, key, **options), stream)
        except openai.APIStatusError as error:
            assert type(error) is kind, error
            assert error.status_code == status, error
            assert error.code == code, error.code
            assert error.request_id, "an error has a request id"
            assert error.type == kind_text and error.message, error
            assert key not in str(error), "an error does not repeat the key"
        else:
            raise AssertionError("no exception")


def wrong_key(base_url, key):
    refused(base_url, key, openai.AuthenticationError, 401, "invalid_api_key", max_retries=2)


def forbidden(base_url, key):
    refused(base_url, key, openai.PermissionDeniedError, 403, "invalid_api_key", max_retries=2)


def in_doubt(base_url, key):
    refused(base_url, key, openai.InternalServerError, 503, "auth_backend_unavailable", kind_text="service_unavailable_error")


def patient(base_url, key):
    """What cannot be decided now is asked again, until it can."""
    assert ask(client(base_url, key, max_retries=8), False)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
