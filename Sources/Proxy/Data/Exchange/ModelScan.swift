import JSON

/// Which model a request body is about, for callers that may use certain ones alone.
///
/// Whoever reads the body behind us must find the same: a second top-level `model` is refused, because
/// readers differ on which of the two counts, and what is not JSON names none. Some take `Model` for `model`
/// (Go's `encoding/json`), others do not: in no spelling but its own is it one, and it counts as the second.
enum ModelScan {
    /// Bytes of a body that is searched.
    static let bodyMax = 16 << 20

    enum Judgement: Equatable {
        case allowed
        case refused(LocalReply)
    }

    static func judge(_ body: UnsafeRawBufferPointer, _ models: ModelList) -> Judgement {
        do throws(JSONError) {
            return try scan(body, models)
        } catch {
            return .refused(.modelMissing)
        }
    }

    private static func scan(_ body: UnsafeRawBufferPointer, _ models: ModelList) throws(JSONError)
        -> Judgement
    {
        var reader = JSONReader(body, depthLimit: JSONReader.depthMax)
        guard try reader.next() == .beginObject else { return .refused(.modelMissing) }
        var isAllowed: Bool?
        while true {
            switch try reader.next() {
            case .key(let key) where isModel(key, reader, body):
                guard isAllowed == nil else { return .refused(.modelAmbiguous) }
                guard reader.isEqual(key, "model") else { return .refused(.modelMissing) }
                guard case .string(let name) = try reader.next() else { return .refused(.modelMissing) }
                isAllowed = contains(models, name, reader, body)
            case .key: _ = try reader.skipValue()
            case .endObject:
                guard try reader.next() == .end, let isAllowed else { return .refused(.modelMissing) }
                return isAllowed ? .allowed : .refused(.modelNotAllowed)
            case .beginObject, .beginArray, .endArray, .string, .number, .bool, .null, .end:
                fatalError("between the members of an object there are keys alone")
            }
        }
    }

    /// Whether somebody may read it as `model`. No letter of it has another than its two ASCII forms.
    private static func isModel(
        _ key: JSONString, _ reader: JSONReader, _ body: UnsafeRawBufferPointer
    ) -> Bool {
        guard key.hasEscapes else {
            return asciiCaseInsensitiveEqual(UnsafeRawBufferPointer(rebasing: body[key.range]), "model")
        }
        return Array(reader.text(key).utf8).withUnsafeBytes { asciiCaseInsensitiveEqual($0, "model") }
    }

    private static func contains(
        _ models: ModelList, _ name: JSONString, _ reader: JSONReader, _ body: UnsafeRawBufferPointer
    ) -> Bool {
        guard name.hasEscapes else {
            return models.contains(UnsafeRawBufferPointer(rebasing: body[name.range]))
        }
        return Array(reader.text(name).utf8).withUnsafeBytes { models.contains($0) }
    }
}
