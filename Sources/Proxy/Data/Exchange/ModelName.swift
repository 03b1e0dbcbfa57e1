import JSON

/// The top-level `model` of a body, and what becomes of it on its way.
enum ModelName {
    /// Takes the first octets of a name out of its JSON string, escapes and all.
    /// - Returns: how many bytes of the string they are; nil: they end within an escape, or there are not as
    ///   many.
    static func rawCount(ofFirst octetCount: Int, in raw: UnsafeRawBufferPointer) -> Int? {
        var octets = 0
        var at = 0
        while octets < octetCount, at < raw.count {
            guard raw[at] == UInt8(ascii: "\\") else {
                octets += 1
                at += 1
                continue
            }
            guard at + 1 < raw.count else { return nil }
            guard raw[at + 1] == UInt8(ascii: "u") else {
                octets += 1
                at += 2
                continue
            }
            guard let (length, count) = unicodeEscape(in: raw, at: at) else { return nil }
            octets += length
            at += count
        }
        return octets == octetCount ? at : nil
    }

    /// - Returns: the octets of UTF-8 that it stands for, and its bytes: 12 for a pair of surrogates.
    private static func unicodeEscape(
        in raw: UnsafeRawBufferPointer, at start: Int
    ) -> (octets: Int, bytes: Int)? {
        guard start + 6 <= raw.count else { return nil }
        var value: UInt32 = 0
        for index in start + 2..<start + 6 {
            guard let digit = hexDigitValue(raw[index]) else { return nil }
            value = value << 4 | UInt32(digit)
        }
        switch value {
        case ..<0x80: return (1, 6)
        case ..<0x800: return (2, 6)
        case 0xD800..<0xDC00: return (4, 12)
        default: return (3, 6)
        }
    }
}

extension RequestFacts {
    /// The edits that take the body to where it goes.
    /// - Parameters:
    ///   - body: that the facts are of.
    ///   - hidesUsage: the answer is made to say what was used.
    func edits(
        of body: UnsafeRawBufferPointer, name: ModelTarget.Name, defaults: BodyDefaults, asksUsage: Bool
    ) -> BodyEdits {
        var edits = BodyEdits()
        let temperature = hasTemperature ? nil : defaults.temperature
        addModel(&edits, body, name, defaults, isLast: isEmpty && temperature == nil)
        if let temperature {
            edits.add(offset: start, "\"temperature\":")
            edits.add(offset: start, temperature.bytes)
            if !isEmpty { edits.add(offset: start, ",") }
        }
        if asksUsage, let usageEdit {
            edits.add(
                offset: usageEdit.offset, removeCount: usageEdit.removeCount, usageEdit.insertion)
        }
        return edits
    }

    private func addModel(
        _ edits: inout BodyEdits, _ body: UnsafeRawBufferPointer, _ name: ModelTarget.Name,
        _ defaults: BodyDefaults, isLast: Bool
    ) {
        guard let model else {
            guard let text = RequestFacts.sentName(of: name, defaults) else { return }
            guard let otherModel else {
                edits.add(offset: start, "\"model\":\"")
                edits.add(offset: start, text)
                if !isLast { edits.add(offset: start, ",") }
                return
            }
            guard isNull(otherModel, body) else { return }
            edits.add(offset: otherModel.lowerBound, removeCount: otherModel.count, "\"")
            edits.add(offset: otherModel.upperBound, text)
            return
        }
        let range = model.range
        switch name {
        case .asSent: break
        case .fixed(let text):
            edits.add(offset: range.lowerBound - 1, removeCount: range.count + 2, text.bytes)
        case .stripped(let count):
            let raw = UnsafeRawBufferPointer(rebasing: body[range])
            let removed = ModelName.rawCount(ofFirst: count, in: raw) ?? 0
            edits.add(offset: range.lowerBound, removeCount: removed, "")
        }
    }

    /// Of a body that names no model: behind the first quote.
    private static func sentName(
        of name: ModelTarget.Name, _ defaults: BodyDefaults
    ) -> UnsafeRawBufferPointer? {
        guard let model = defaults.model else { return nil }
        let text: UnsafeRawBufferPointer
        var skipped = 1
        switch name {
        case .asSent: text = model.json.bytes
        case .fixed(let other): text = other.bytes
        case .stripped(let count):
            text = model.json.bytes
            skipped += ModelName.rawCount(ofFirst: count, in: .init(rebasing: text.dropFirst())) ?? 0
        }
        return UnsafeRawBufferPointer(rebasing: text.dropFirst(skipped))
    }

    /// The model's member is null: as good as absent.
    func isNull(_ range: Range<Int>, _ body: UnsafeRawBufferPointer) -> Bool {
        body[range].elementsEqual("null".utf8)
    }
}
