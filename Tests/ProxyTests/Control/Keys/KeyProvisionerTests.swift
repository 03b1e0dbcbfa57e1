import Stores
import Testing

@testable import Proxy

private final class Scene {
    let provider: KeyProvider
    let now = Locked<UInt64>(1_000_000_000)
    let provisioner: KeyProvisioner
    private let made = Locked<[String]>([])

    init() throws {
        provider = try KeyProvider()
        let provisioning = Provisioning(
            url: provider.url + "/keys", nameTemplate: "n", field: "key", timeoutMilliseconds: 5000)
        provisioner = KeyProvisioner(
            provisioning, on: FetchPool(), clock: { [now] in now.withLock { $0 } })
    }

    deinit { provider.stop() }

    func begin(_ user: Int64) {
        provisioner.make(for: user, user8: "u", with: Secret("p")) { [made] result, _ in
            let text =
                switch result {
                case .success(let key): String(decoding: key.reveal(), as: UTF8.self)
                case .failure(let failure): failure.description
                }
            made.withLock { $0.append(text) }
        }
    }

    func results(_ count: Int) -> [String] {
        #expect(eventually { made.withLock { $0.count >= count } })
        return made.withLock { made in
            defer { made = [] }
            return made
        }
    }
}

@Test func `one key is made for a user, however many wait for it`() throws {
    let scene = try Scene()
    scene.provider.script.withLock { $0.isHeld = true }
    for _ in 0..<20 { scene.begin(7) }
    scene.provider.script.withLock { $0.isHeld = false }
    #expect(scene.results(20) == Array(repeating: KeyProvider.key(1), count: 20))
    #expect(scene.provider.requests.count == 1)
    // Who asks before the key is where a look would find it gets the same.
    scene.begin(7)
    #expect(scene.results(1) == [KeyProvider.key(1)])
    scene.provisioner.settled(for: 7)
    scene.begin(8)
    #expect(scene.results(1) == [KeyProvider.key(2)])
}

@Test func `after a failure it is tried again in one second, then two, up to five minutes`() throws {
    let scene = try Scene()
    scene.provider.script.withLock { $0.status = 500 }
    for seconds: UInt64 in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
        scene.begin(1)
        #expect(scene.results(1) == ["the answer has status 500"])
        let asked = scene.provider.requests.count
        scene.begin(2)
        #expect(scene.results(1) == ["the answer has status 500; tried again in \(seconds) s"])
        scene.now.withLock { $0 += seconds * 1_000_000_000 - 1 }
        scene.begin(1)
        #expect(scene.results(1) == ["the answer has status 500; tried again in 1 s"])
        #expect(scene.provider.requests.count == asked)
        scene.now.withLock { $0 += 1 }
    }
    scene.provider.script.withLock { $0.status = 200 }
    scene.begin(1)
    #expect(scene.results(1).first?.hasPrefix("sk-or-v1-") == true)
    scene.provisioner.settled(for: 1)
    scene.provider.script.withLock { $0.status = 500 }
    scene.begin(1)
    _ = scene.results(1)
    scene.begin(1)
    #expect(scene.results(1) == ["the answer has status 500; tried again in 1 s"])
    scene.provisioner.forgetFailures()
    scene.begin(1)
    #expect(scene.results(1) == ["the answer has status 500"])
}

@Test func `a key that was just made is not renewed`() throws {
    let scene = try Scene()
    #expect(scene.provisioner.mayRenew(for: 1))
    scene.begin(1)
    _ = scene.results(1)
    // Until it is where it is found, whoever asks gets it in place of the refused one.
    #expect(scene.provisioner.mayRenew(for: 1))
    scene.provisioner.settled(for: 1)
    #expect(!scene.provisioner.mayRenew(for: 1) && scene.provisioner.mayRenew(for: 2))
    scene.now.withLock { $0 += KeyProvisioner.renewalPause }
    #expect(scene.provisioner.mayRenew(for: 1))
}

@Test func `a key that was begun for users of another store is not for those who have their numbers now`()
    throws
{
    let scene = try Scene()
    scene.provider.script.withLock { $0.isHeld = true }
    scene.begin(7)
    let before = scene.provisioner.epoch
    scene.provisioner.forgetUsers()
    scene.begin(7)
    scene.provider.script.withLock { $0.isHeld = false }
    // Each has one of their own.
    #expect(Set(scene.results(2)) == [KeyProvider.key(1), KeyProvider.key(2)])
    scene.provisioner.hold(Secret("old"), for: 7, since: before)
    #expect(scene.provisioner.held(for: 7) == nil)
    scene.provisioner.hold(Secret("new"), for: 7, since: scene.provisioner.epoch)
    #expect(scene.provisioner.held(for: 7)?.isEqual(to: Secret("new")) == true)
    scene.provisioner.release(for: 7)
    #expect(scene.provisioner.held(for: 7) == nil)
}
