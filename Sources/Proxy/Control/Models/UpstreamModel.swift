import JSON

/// A model as an upstream lists it.
struct UpstreamModel: Equatable, Sendable {
    let id: String
    /// Seconds since 1970; nil: not said.
    let created: Int64?

    /// Models of one list; what is beyond is left out.
    static let countMax = 10_000
    /// Bytes of a name; as in `models:`.
    static let idBytesMax = 256
    /// Bytes of a list.
    static let listBytesMax = 8 << 20

    struct Problem: Error, Equatable { let description: String }

    /// Reads a list as the OpenAI API has it, `{"data":[{"id": …, "created": …}]}`, or the array alone. What
    /// has no usable id in it is passed over.
    static func list(_ bytes: [UInt8]) throws(Problem) -> [UpstreamModel] {
        let tree: JSONValue
        do throws(JSONError) { tree = try JSONValue.parse(bytes, limitBytes: listBytesMax) } catch {
            throw Problem(description: "the list \(error)")
        }
        guard let items = tree["data"]?.items ?? tree.items else {
            throw Problem(description: "the answer is no list of models")
        }
        return items.prefix(countMax).compactMap(UpstreamModel.init)
    }

    init(id: String, created: Int64? = nil) {
        self.id = id
        self.created = created
    }

    private init?(_ item: JSONValue) {
        guard let id = item["id"]?.text, (1...UpstreamModel.idBytesMax).contains(id.utf8.count),
            id.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
        else { return nil }
        self.init(id: id, created: item["created"]?.integer.flatMap { $0 >= 0 ? $0 : nil })
    }
}
