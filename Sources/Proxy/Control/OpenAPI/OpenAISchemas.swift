import JSON

/// Component schemas of what the OpenAI API takes and answers, as far as clients mostly use it. Members that
/// are not named may be there as well: the gateway passes them on.
enum OpenAISchemas {
    /// By name. Those of requests name `model` as a property; whether it is required depends on the route.
    static let all: [JSONValue.Member] = {
        do throws(JSONError) {
            return try (JSONValue.parse(Array(requests.utf8)).members ?? [])
                + (JSONValue.parse(Array(answers.utf8)).members ?? [])
        } catch { preconditionFailure("the schemas are JSON: \(error)") }
    }()

    private static let requests = #"""
        {
        "ChatMessage": {"type": "object", "required": ["role"], "properties": {
          "role": {"type": "string", "enum": ["developer", "system", "user", "assistant", "tool", "function"]},
          "content": {"description": "Text, or a list of parts.", "anyOf": [
            {"type": "string"}, {"type": "array", "items": {"$ref": "#/components/schemas/ContentPart"}}, {"type": "null"}]},
          "name": {"type": "string"},
          "tool_call_id": {"type": "string"},
          "tool_calls": {"type": "array", "items": {"type": "object"}}}},
        "ContentPart": {"type": "object", "required": ["type"], "properties": {
          "type": {"type": "string", "examples": ["text", "image_url", "input_audio"]},
          "text": {"type": "string"},
          "image_url": {"type": "object", "properties": {"url": {"type": "string"}, "detail": {"type": "string"}}}}},
        "ChatCompletionRequest": {"type": "object", "required": ["messages"], "properties": {
          "model": {"type": "string", "minLength": 1},
          "messages": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/ChatMessage"}},
          "stream": {"type": "boolean", "description": "Events as the answer comes about."},
          "temperature": {"type": "number", "minimum": 0, "maximum": 2},
          "top_p": {"type": "number", "minimum": 0, "maximum": 1},
          "max_tokens": {"type": "integer", "minimum": 1, "maximum": 1000000},
          "max_completion_tokens": {"type": "integer", "minimum": 1, "maximum": 1000000},
          "n": {"type": "integer", "minimum": 1, "maximum": 128},
          "stop": {"anyOf": [{"type": "string"}, {"type": "array", "maxItems": 4, "items": {"type": "string"}}]},
          "presence_penalty": {"type": "number", "minimum": -2, "maximum": 2},
          "frequency_penalty": {"type": "number", "minimum": -2, "maximum": 2},
          "seed": {"type": "integer"},
          "user": {"type": "string"},
          "tools": {"type": "array", "items": {"type": "object"}},
          "tool_choice": {"anyOf": [{"type": "string"}, {"type": "object"}]},
          "response_format": {"type": "object", "properties": {"type": {"type": "string"}}},
          "stream_options": {"type": "object", "properties": {"include_usage": {"type": "boolean"}}}},
          "examples": [{"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hello!"}]}]},
        "CompletionRequest": {"type": "object", "required": ["prompt"], "properties": {
          "model": {"type": "string", "minLength": 1},
          "prompt": {"anyOf": [{"type": "string"}, {"type": "array", "minItems": 1, "items": {"type": "string"}}]},
          "stream": {"type": "boolean"},
          "temperature": {"type": "number", "minimum": 0, "maximum": 2},
          "max_tokens": {"type": "integer", "minimum": 1, "maximum": 1000000},
          "stop": {"anyOf": [{"type": "string"}, {"type": "array", "maxItems": 4, "items": {"type": "string"}}]},
          "user": {"type": "string"}}},
        "ResponseRequest": {"type": "object", "required": ["input"], "properties": {
          "model": {"type": "string", "minLength": 1},
          "input": {"anyOf": [{"type": "string"}, {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/ResponseInput"}}]},
          "instructions": {"type": "string"},
          "stream": {"type": "boolean"},
          "temperature": {"type": "number", "minimum": 0, "maximum": 2},
          "max_output_tokens": {"type": "integer", "minimum": 16, "maximum": 1000000},
          "tools": {"type": "array", "items": {"type": "object"}}}},
        "ResponseInput": {"type": "object", "required": ["role", "content"], "properties": {
          "role": {"type": "string", "enum": ["developer", "system", "user", "assistant"]},
          "content": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "object"}}]}}},
        "EmbeddingRequest": {"type": "object", "required": ["input"], "properties": {
          "model": {"type": "string", "minLength": 1},
          "input": {"anyOf": [{"type": "string"}, {"type": "array", "minItems": 1, "maxItems": 2048, "items": {"type": "string"}}]},
          "dimensions": {"type": "integer", "minimum": 1, "maximum": 4096},
          "encoding_format": {"type": "string", "enum": ["float", "base64"]},
          "user": {"type": "string"}}},
        "ModerationRequest": {"type": "object", "required": ["input"], "properties": {
          "model": {"type": "string", "minLength": 1},
          "input": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}}},
        "ImageRequest": {"type": "object", "required": ["prompt"], "properties": {
          "model": {"type": "string", "minLength": 1},
          "prompt": {"type": "string"},
          "n": {"type": "integer", "minimum": 1, "maximum": 10},
          "size": {"type": "string", "examples": ["1024x1024"]},
          "response_format": {"type": "string", "enum": ["url", "b64_json"]}}},
        "SpeechRequest": {"type": "object", "required": ["input", "voice"], "properties": {
          "model": {"type": "string", "minLength": 1},
          "input": {"type": "string"},
          "voice": {"type": "string"},
          "response_format": {"type": "string", "examples": ["mp3"]},
          "speed": {"type": "number", "minimum": 0.25, "maximum": 4}}},
        "AudioRequest": {"type": "object", "required": ["file"], "properties": {
          "model": {"type": "string", "minLength": 1},
          "file": {"type": "string", "contentMediaType": "application/octet-stream"},
          "prompt": {"type": "string"},
          "language": {"type": "string"},
          "response_format": {"type": "string", "examples": ["json"]}}}
        }
        """#

    private static let answers = #"""
        {
        "ChatCompletion": {"type": "object", "required": ["id", "object", "created", "model", "choices"], "properties": {
          "id": {"type": "string"}, "object": {"const": "chat.completion"},
          "created": {"type": "integer", "description": "Seconds since 1970."}, "model": {"type": "string"},
          "choices": {"type": "array", "items": {"type": "object", "required": ["index", "message"], "properties": {
            "index": {"type": "integer"}, "message": {"$ref": "#/components/schemas/AnswerMessage"},
            "finish_reason": {"type": ["string", "null"]}}}},
          "usage": {"$ref": "#/components/schemas/Usage"}}},
        "AnswerMessage": {"type": "object", "required": ["role"], "properties": {
          "role": {"const": "assistant"}, "content": {"type": ["string", "null"]},
          "tool_calls": {"type": "array", "items": {"type": "object"}}}},
        "Usage": {"type": ["object", "null"], "properties": {
          "prompt_tokens": {"type": "integer"}, "completion_tokens": {"type": "integer"}, "total_tokens": {"type": "integer"}}},
        "Completion": {"type": "object", "required": ["id", "object", "created", "model", "choices"], "properties": {
          "id": {"type": "string"}, "object": {"const": "text_completion"}, "created": {"type": "integer"},
          "model": {"type": "string"},
          "choices": {"type": "array", "items": {"type": "object", "required": ["index", "text"], "properties": {
            "index": {"type": "integer"}, "text": {"type": "string"}, "finish_reason": {"type": ["string", "null"]}}}},
          "usage": {"$ref": "#/components/schemas/Usage"}}},
        "Response": {"type": "object", "required": ["id", "object", "created_at", "model", "output"], "properties": {
          "id": {"type": "string"}, "object": {"const": "response"}, "created_at": {"type": "number"},
          "status": {"type": "string"}, "model": {"type": "string"},
          "output": {"type": "array", "items": {"type": "object"}}, "usage": {"type": ["object", "null"]}}},
        "Embedding": {"type": "object", "required": ["object", "data", "model"], "properties": {
          "object": {"const": "list"}, "model": {"type": "string"},
          "data": {"type": "array", "items": {"type": "object", "required": ["index", "embedding"], "properties": {
            "object": {"const": "embedding"}, "index": {"type": "integer"},
            "embedding": {"anyOf": [{"type": "array", "items": {"type": "number"}}, {"type": "string"}]}}}},
          "usage": {"$ref": "#/components/schemas/Usage"}}},
        "Moderation": {"type": "object", "required": ["results"], "properties": {
          "id": {"type": "string"}, "model": {"type": "string"},
          "results": {"type": "array", "items": {"type": "object", "properties": {"flagged": {"type": "boolean"}}}}}},
        "Image": {"type": "object", "required": ["data"], "properties": {
          "created": {"type": "integer"},
          "data": {"type": "array", "items": {"type": "object", "properties": {
            "url": {"type": ["string", "null"]}, "b64_json": {"type": ["string", "null"]},
            "revised_prompt": {"type": ["string", "null"]}}}}}},
        "Transcription": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}},
        "Model": {"type": "object", "required": ["id", "object"], "properties": {
          "id": {"type": "string"}, "object": {"const": "model"},
          "created": {"type": "integer", "description": "Seconds since 1970."}, "owned_by": {"type": "string"}}},
        "ModelList": {"type": "object", "required": ["object", "data"], "properties": {
          "object": {"const": "list"}, "data": {"type": "array", "items": {"$ref": "#/components/schemas/Model"}}}}
        }
        """#
}
