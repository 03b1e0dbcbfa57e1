import Glibc
import Testing

@testable import Proxy

// Covers KeyDigest.swift, AuthPlan.swift

@Suite(.tags(.fast)) struct CallerTests {
    @Test func `a caller counts its uses until control takes them`() {
        let caller = Caller.test("k")
        #expect(caller.takeUses() == (0, 0))
        caller.noteUse(at: 5)
        caller.noteUse(at: 9)
        #expect(caller.takeUses() == (2, 9))
        #expect(caller.takeUses() == (0, 9))
    }

    @Test func `a caller becomes what control says`() {
        let caller = Caller.test("k", perMinute: 12_345)
        for state in [Caller.State.revoked, .disabled, .active] {
            caller.become(state)
            #expect(caller.state == state && caller.requestsPerMinute == 12_345)
        }
    }

    @Test(arguments: ["", "a", "ci@example.com", String(repeating: "é", count: 500)])
    func `a label is kept as it is`(text: String) {
        let caller = Caller.test("k", label: text)
        #expect(String(decoding: caller.label.bytes, as: UTF8.self) == text)
    }

    @Test(arguments: ["", "a", "ci@example.com", String(repeating: "é", count: 20_000)])
    func `whose requests count as one stands beside the label`(text: String) {
        let subject = LimitSubject(high: 1, low: .max)
        let (own, other) = (Caller.test("k", label: text), KeyDigest.test("k"))
        let caller = Caller(digest: other, label: PlanText(text), rateSubject: subject)
        #expect(caller.rateSubject == subject)
        #expect(own.rateSubject == LimitSubject(other))
        #expect(caller.label.bytes.elementsEqual(text.utf8.prefix(32_767)))
    }

    @Test func `digests are equal when every byte is`() {
        let digest = KeyDigest.test("k")
        #expect(digest == KeyDigest(digest.bytes))
        for index in 0..<32 {
            var bytes = digest.bytes
            bytes[index] ^= 1
            #expect(KeyDigest(bytes) != digest)
        }
    }

    @Test func `models are allowed by their whole name`() {
        let list = ModelList(["gpt-4", "org/model"])
        for (name, isAllowed) in [
            ("gpt-4", true), ("org/model", true), ("gpt-4o", false), ("gpt", false), ("", false),
        ] {
            #expect(Array(name.utf8).withUnsafeBytes { list.contains($0) } == isAllowed)
        }
    }

    @Test func `an entry takes bearer credentials and refuses with 401, unless told otherwise`() {
        let plan = AuthPlan(name: "apps", mode: .keys, callers: CallerIndex())
        #expect(plan.schemes == .bearer && plan.rejectStatus == 401 && !plan.cutsOnRevoke)
        #expect(plan.nameText.bytes.elementsEqual("apps".utf8))
    }

    /// Bytes that the allocator takes for a block, its own 8 among them.
    private func blockSize(_ start: UnsafeRawPointer) throws -> Int {
        typealias Function = @convention(c) (UnsafeRawPointer) -> Int
        let symbol = try #require(dlsym(nil, "malloc_usable_size"))
        return unsafeBitCast(symbol, to: Function.self)(start) + 8
    }

    @Test func `a key costs 160 bytes at most, its label and its place among them`() throws {
        let caller = Caller.test("k", label: "alice@company.example.com".padded(to: 22))
        let object = try blockSize(UnsafeRawPointer(Unmanaged.passUnretained(caller).toOpaque()))
        // Its length stands in front.
        let label = try blockSize(try #require(caller.label.bytes.baseAddress) - 2)
        var table = CallerTable()
        // A shard of an index of 100,000.
        var mostPerCaller = 0.0
        for number in 0..<1600 {
            table.put(.test("key \(number)", label: ""))
            if number > 1500 {
                mostPerCaller = max(mostPerCaller, 8 * Double(table.places.count) / Double(number + 1))
            }
        }
        #expect(object <= 112 && label <= 32 && mostPerCaller <= 12.5)
        #expect(Double(object + label) + mostPerCaller <= 160)
    }
}

extension String {
    fileprivate func padded(to count: Int) -> String {
        String(prefix(count)) + String(repeating: " ", count: max(0, count - self.count))
    }
}
