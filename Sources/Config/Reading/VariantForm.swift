/// One of the words that say what kind of mapping this is, such as `mode: jwt`.
struct Variant<Kind: Sendable>: Sendable {
    let word: String
    let kind: Kind
    let about: String

    init(_ word: String, _ kind: Kind, _ about: String) {
        self.word = word
        self.kind = kind
        self.about = about
    }
}

extension Form {
    /// A mapping in which one key decides what others there are. The schema has one alternative for each
    /// word, so that an editor offers what belongs to it and nothing else.
    ///
    /// - Parameter isShort: the word alone stands for a mapping that has nothing but it.
    static func variants<Kind: Sendable>(
        by key: String, isShort: Bool = false, _ variants: [Variant<Kind>],
        _ make: @escaping (MappingReader, Kind) -> Value
    ) -> Form {
        Form(
            schema: {
                let short = isShort ? [Schema.oneOf(words: variants.map(\.word))] : []
                return .anyOf(short + variants.map { $0.description(by: key, make).schema })
            },
            standIn: { path in MappingReader.standIn({ make($0, variants[0].kind) }, at: path) },
            read: { (place) throws(Noted) in
                let reader = try place.mapping(shortFor: isShort ? key : nil)
                let index = variants.indices.map { (variants[$0].word, $0) }
                guard let index = reader.deciding(key, .word(index)) else {
                    reader.know(variants.flatMap { $0.keys(by: key, make) })
                    reader.rejectUnknownKeys()
                    throw Noted()
                }
                let value = make(reader, variants[index].kind)
                let others = Others(variants, by: key, make)
                reader.rejectUnknownKeys(owner: others.owner(of:))
                return value
            })
    }
}

extension Variant {
    fileprivate func description<Value>(by key: String, _ make: (MappingReader, Kind) -> Value)
        -> MappingReader.Description
    {
        MappingReader.describe { reader in
            reader.required(key, .word([(word, ())]), about)
            return make(reader, kind)
        }
    }

    fileprivate func keys<Value>(by key: String, _ make: (MappingReader, Kind) -> Value) -> [String] {
        description(by: key, make).keys.map(\.name)
    }
}

/// Who knows a key; looked up only when there is one that is unknown, and then once for all of them.
private final class Others<Kind: Sendable, Value> {
    private let describe: () -> [String: String]
    private lazy var owners = describe()

    init(
        _ variants: [Variant<Kind>], by key: String, _ make: @escaping (MappingReader, Kind) -> Value
    ) {
        describe = {
            var owners: [String: String] = [:]
            for variant in variants {
                for name in variant.keys(by: key, make) {
                    let before = owners[name].map { $0 + ", " } ?? ""
                    owners[name] = before + "`\(key): \(variant.word)`"
                }
            }
            return owners
        }
    }

    func owner(of name: String) -> String? { owners[name] }
}
