import Testing

@testable import Config

@Suite struct BasicFormsTests {
    @Test func `integers are plain and within their range`() throws {
        #expect(try value(.integer(1...256), "256").value == 256)
        #expect(try value(.integer(1...256), "0x10").value == 16)
        #expect(try value(.integer(1...256), "\"${N}\"", environment: ["N": "7"]).value == 7)
        #expect(try refusal(of: "'5'", as: .integer(1...256)).hint == "remove the quotes")
        for text in ["0", "257", "1.0", "five", "~", "true", "[1]", "99999999999999999999"] {
            #expect(
                try refusal(of: text, as: .integer(1...256)).message.hasPrefix(
                    "`key` must be an integer from 1 to 256, found"))
        }
    }

    @Test func `booleans are true and false alone`() throws {
        #expect(try value(.bool, "true").value == true)
        #expect(try value(.bool, "'${B}'", environment: ["B": "false"]).value == false)
        #expect(try refusal(of: "yes", as: .bool).hint == "write `true`")
        #expect(try refusal(of: "Off", as: .bool).hint == "write `false`")
        #expect(try refusal(of: "'true'", as: .bool).hint == "remove the quotes")
        #expect(try refusal(of: "1", as: .bool).hint == nil)
    }

    @Test func `text that looks like something else must be quoted`() throws {
        #expect(try value(.text, "'1.10'").value == "1.10")
        #expect(try value(.text, "yes").value == "yes")
        for text in ["1.10", "5", "true", "~", "", "{}"] {
            #expect(try refusal(of: text, as: .text).message.hasPrefix("`key` must be text"))
        }
    }

    @Test func `a word is one of its set`() throws {
        let form = Form<Int>.word([("json", 1), ("text", 2)])
        #expect(try value(form, "text").value == 2)
        #expect(try refusal(of: "jsno", as: form).hint == "did you mean `json`?")
        #expect(try refusal(of: "5", as: form).message == "`key` must be `json` or `text`, found `5`")
    }

    @Test func `paths and names are not empty`() throws {
        #expect(try value(.filePath, "a/b.pem").value == "a/b.pem")
        #expect(try refusal(of: "''", as: .filePath).message.hasPrefix("`key` must be a path"))
        #expect(try value(.name, "5").value == "5")
        #expect(try refusal(of: "~", as: .name).message == "`key` must be a name, found nothing")
    }
}
