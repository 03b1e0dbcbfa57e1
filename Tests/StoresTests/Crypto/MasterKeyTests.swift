import Testing

@testable import Stores

/// The bytes 0…31.
private let hex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
private let context = "upstream_keys/7/openai"

private func key(_ text: String = hex) throws -> MasterKey { try MasterKey(Secret(text)) }

@Test(arguments: [
    hex, hex.uppercased(), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", " \(hex)\r\n",
    "\n\tAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
])
func `a master key is hex or base64`(text: String) throws {
    let sealed = try key().seal(Secret("x"), context: context)
    #expect(try key(text).id == "630dcd29")
    #expect(try key(text).open(sealed, context: context).reveal() == Array("x".utf8))
}

@Test func `both alphabets of base64 are one`() throws {
    let plain = try key("+//7//v/+//7//v/+//7//v/+//7//v/+//7//v/+/8=")
    #expect(try key("-__7__v_-__7__v_-__7__v_-__7__v_-__7__v_-_8").id == plain.id)
}

@Test(arguments: [
    "", "secret", String(hex.dropLast(2)), hex + "00", String(hex.dropLast()), "g" + hex.dropFirst(),
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8==",
    "AAECAwQFBgcICQoL DA0ODxAREhMUFRYXGBkaGxwdHh8=", String(repeating: "=", count: 44), "\(hex) \(hex)",
])
func `what is not 32 bytes is refused and not quoted`(text: String) {
    let error = #expect(throws: StoreError.self) { _ = try key(text) }
    #expect(error?.description == "the master key must be 64 hex digits, or base64 of 32 bytes")
}

@Test func `a blob made elsewhere opens`() throws {
    // By another implementation of AES-256-GCM: version, id, nonce, ciphertext, tag.
    let blob = try #require(
        hexBytes(
            "013633306463643239cafebabefacedbaddecaf888f9c88d49d857392a6b7e2dae0f6fec5e600dab34a648"
                + "35efa2bbaee391ef4c9ba158175e5d"))
    #expect(try key().open(blob, context: context).reveal() == Array("sk-or-v1-upstream-key".utf8))
}

@Test(arguments: [0, 1, 15, 16, 17, 5000])
func `what is sealed opens again`(count: Int) throws {
    let secret = RandomText.bytes(count)
    let blob = try key().seal(Secret(secret), context: context)
    #expect(blob.count == 1 + 8 + 12 + count + 16)
    #expect(try key().open(blob, context: context).reveal() == secret)
}

@Test func `the same value never gives the same blob, and does not show in it`() throws {
    let secret = Array("sk-or-v1-0123456789abcdef".utf8)
    let blobs = try (0..<100).map { _ in try key().seal(Secret(secret), context: context) }
    #expect(Set(blobs).count == 100)
    #expect(Set(blobs.map { $0[9..<21] }).count == 100)
    for blob in blobs { #expect(!blob.contains(secret.prefix(8))) }
}

@Test func `a blob with any bit changed does not open`() throws {
    let blob = try key().seal(Secret("value"), context: context)
    for index in blob.indices {
        for bit in 0..<8 {
            var changed = blob
            changed[index] ^= 1 << UInt8(bit)
            #expect(throws: StoreError.self) { _ = try key().open(changed, context: context) }
        }
    }
    for count in 0..<blob.count {
        #expect(throws: StoreError.self) { _ = try key().open(Array(blob[..<count]), context: context) }
    }
    #expect(throws: StoreError.self) { _ = try key().open(blob + [0], context: context) }
}

@Test func `a blob of another row does not open`() throws {
    let blob = try key().seal(Secret("value"), context: context)
    let error = #expect(throws: StoreError.self) {
        _ = try key().open(blob, context: "upstream_keys/8/openai")
    }
    #expect(error == .cannotSeal("a sealed value is damaged, or belongs to another row"))
}

@Test func `a blob of another key says of which`() throws {
    let other = try MasterKey(MasterKey.generate())
    let blob = other.seal(Secret("value"), context: context)
    let error = #expect(throws: StoreError.self) { _ = try key().open(blob, context: context) }
    #expect(error == .cannotSeal("sealed by the master key \(other.id), this one is 630dcd29"))
}

@Test func `generated keys are keys and differ`() throws {
    let made = (0..<20).map { _ in String(decoding: MasterKey.generate().reveal(), as: UTF8.self) }
    #expect(Set(made).count == 20)
    for text in made {
        #expect(text.wholeMatch(of: /[0-9a-f]{64}/) != nil)
        #expect(try key(text).id.count == 8)
    }
}
