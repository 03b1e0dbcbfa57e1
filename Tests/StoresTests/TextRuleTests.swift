import Testing

@testable import Stores

@Suite struct TextRuleTests {
    @Test(arguments: [
        ("user@example.com", true), ("a.b+c_d'e@sub.example.co", true), ("ü@exämple.de", true),
        ("A@B.C", true), ("a@localhost", false), ("a@@b.c", false), ("a@b@c.d", false), ("@b.c", false),
        ("a@", false), ("a@.c", false), ("a@b.", false), ("a@b..c", false), ("a@-b.c", false),
        ("a@b-.c", false), ("a b@c.d", false), ("\"a\"@b.c", false), ("a@b.c\n", false), (" a@b.c", false),
        ("a<b@c.d", false), ("a@b_c.d", false), ("a\u{0}@b.c", false), ("", false), ("not-an-email", false),
        (String(repeating: "l", count: 64) + "@b.c", true),
        (String(repeating: "l", count: 65) + "@b.c", false),
        ("a@" + String(repeating: "d.", count: 126) + "c", false),
    ])
    func `an e-mail address has a mailbox and a domain`(text: String, isGood: Bool) {
        #expect(TextRule.email.accepts(text) == isGood)
    }

    @Test(arguments: [
        ("ada", true), ("a", true), ("Ada Lovelace", true), ("наталья", true), ("@ada", true),
        (String(repeating: "a", count: 64), true), (String(repeating: "a", count: 65), false), ("", false),
        (" ada", false), ("ada ", false), ("a/b", false), ("a\nb", false), ("a\u{0}", false),
        ("a\u{202E}b", false), ("a\u{200B}b", false), ("ada@example.com", false), ("@@", false),
    ])
    func `a username can be seen, divides nothing and is no address`(text: String, isGood: Bool) {
        #expect(TextRule.username(1...64).accepts(text) == isGood)
    }

    @Test func `lengths count what people count`() {
        let rule = TextRule.username(3...50)
        #expect(["ab", "abc", String(repeating: "é", count: 50)].map(rule.accepts) == [false, true, true])
        #expect(!rule.accepts(String(repeating: "é", count: 51)))
        #expect(TextRule.password(lengthMin: 8).accepts("pässwörd"))
        #expect(!TextRule.password(lengthMin: 9).accepts("pässwörd"))
    }

    @Test func `a password may be anything but endless`() {
        let rule = TextRule.password(lengthMin: 1)
        #expect(["test123", " ", "a\nb", "ü"].allSatisfy(rule.accepts))
        #expect(!rule.accepts("") && !rule.accepts("a\u{0}b"))
        #expect(rule.accepts(String(repeating: "x", count: TextRule.passwordBytesMax)))
        #expect(!rule.accepts(String(repeating: "x", count: TextRule.passwordBytesMax + 1)))
    }

    @Test func `an upstream key follows the route's rules and fits a header field`() {
        let rule = TextRule.upstreamKey(prefix: "sk-or-v1-", lengthMin: 20)
        #expect(rule.accepts("sk-or-v1-01234567890"))
        #expect(!rule.accepts("sk-or-v1-0123456789"))
        #expect(!rule.accepts("sk-proj-0123456789012"))
        #expect(!rule.accepts("sk-or-v1-0123456789\n01"))
        #expect(!rule.accepts("sk-or-v1-0123456789 01"))
        let any = TextRule.upstreamKey(prefix: "", lengthMin: 0)
        #expect(any.accepts("k") && !any.accepts(""))
        #expect(!any.accepts(String(repeating: "k", count: TextRule.upstreamKeyBytesMax + 1)))
        let impossible = TextRule.upstreamKey(prefix: "", lengthMin: 10_000)
        #expect(!impossible.accepts("k"))
    }

    @Test func `names of models and ids of telegram are plain text`() {
        #expect(TextRule.name(max: 256).accepts("openai/gpt-4"))
        #expect(!TextRule.name(max: 256).accepts(String(repeating: "m", count: 257)))
        #expect(TextRule.telegramID.accepts("123456789") && !TextRule.telegramID.accepts(""))
        #expect(TextRule.identity.accepts("ada@example.com") && !TextRule.identity.accepts("a\u{0}"))
    }
}
