import Testing

@testable import JSON

@Test func `an error says where and quotes nothing`() {
    #expect(JSONError(.syntax, offset: 7).description == "is not JSON (byte 7)")
}
