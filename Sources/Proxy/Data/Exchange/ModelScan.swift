import JSON

/// Which model a request body is about, for callers that may use certain ones alone.
///
/// Whoever reads the body behind us must find the same: a second top-level `model` is refused, because
/// readers differ on which of the two counts, and what is not JSON names none.
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
            case .key(let key) where reader.isEqual(key, "model"):
                guard isAllowed == nil else { return .refused(.modelAmbiguous) }
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

    private static func contains(
        _ models: ModelList, _ name: JSONString, _ reader: JSONReader, _ body: UnsafeRawBufferPointer
    ) -> Bool {
        guard name.hasEscapes else {
            return models.contains(UnsafeRawBufferPointer(rebasing: body[name.range]))
        }
        return Array(reader.text(name).utf8).withUnsafeBytes { models.contains($0) }
    }
}
