import Testing

@testable import Config

@Suite struct IPAddressTests {
    @Test(arguments: [
        ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("0:0:0:0:0:0:0:1", "::1"),
        ("2001:DB8::0:1", "2001:db8::1"),
        ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
        ("::ffff:1.2.3.4", "::ffff:102:304"),
        ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"), ("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "0.0.0.0"),
    ])
    func `addresses are written canonically`(_ text: String, _ wanted: String) throws {
        #expect(IPAddress.text(try #require(IPAddress.parse(text))) == wanted)
    }

    @Test(arguments: [
        "", ":", ":::", "1:", ":1", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::8",
        "12345::", "g::", "::1%lo",
        "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.+4", "1.2.3.4:5", "::1.2.3", "1.2.3.4::",
        "+1::",
    ])
    func `what is no address is refused`(_ text: String) { #expect(IPAddress.parse(text) == nil) }

    @Test func `ranges are read, and a bare address is one`() throws {
        #expect(try value(.cidr, "10.0.0.0/8").value == CIDR(address: [10, 0, 0, 0], prefixLength: 8))
        #expect(try value(.cidr, "10.1.2.3").value == CIDR(address: [10, 1, 2, 3], prefixLength: 32))
        #expect(
            try value(.cidr, "'::/0'").value
                == CIDR(address: [UInt8](repeating: 0, count: 16), prefixLength: 0))
        #expect(try value(.cidr, "'::1'").value?.prefixLength == 128)
    }

    @Test func `host bits behind the prefix get the network as a hint`() throws {
        #expect(try refusal(of: "10.1.2.3/12", as: .cidr).hint == "did you mean `10.0.0.0/12`?")
        #expect(try refusal(of: "'2001:db8::1/33'", as: .cidr).hint == "did you mean `2001:db8::/33`?")
        for text in ["10.0.0.0/33", "10.0.0.0/", "10.0.0.0/08", "/8", "10.0.0.0/8/8", "example.com/8"] {
            #expect(try refusal(of: text, as: .cidr).message.hasPrefix("`key` must"))
        }
    }

    @Test func `binds are addresses, localhost or Unix sockets`() throws {
        #expect(try value(.bindAddress, "127.0.0.1:0").value == .ip(host: "127.0.0.1", port: 0))
        #expect(try value(.bindAddress, "'[0:0::1]:80'").value == .ip(host: "::1", port: 80))
        #expect(try value(.bindAddress, "localhost:8000").value == .ip(host: "localhost", port: 8000))
        #expect(try value(.bindAddress, "unix:/run/x.sock").value == .unix(path: "/run/x.sock"))
    }

    @Test(arguments: [
        "8000", "':8000'", "'*:8000'", "127.0.0.1", "'127.0.0.1:'", "127.0.0.1:65536", "127.0.0.1:08",
        "'::1:80'", "'[::1]'",
        "'[127.0.0.1]:80'", "example.com:80", "'unix:'", "unix:/", "unix:x", "~", "'[::1'",
    ])
    func `what cannot be bound is refused`(_ text: String) throws {
        #expect(try refusal(of: text, as: .bindAddress).message.hasPrefix("`key` must"))
    }

    @Test func `a socket path must fit its address`() throws {
        let fits = "unix:/" + String(repeating: "a", count: 106)
        #expect(try value(.bindAddress, fits).diagnostics.isEmpty)
        #expect(try refusal(of: fits + "a", as: .bindAddress).message.contains("at most 107 bytes"))
    }
}
