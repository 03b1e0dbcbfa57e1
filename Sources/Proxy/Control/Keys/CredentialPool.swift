import Stores

/// The keys of one upstream that somebody holds: who asks for the same key gets the same object, so that what
/// the upstream made of it (refused, used too much) is known wherever it is used, and stays known over
/// reloads. Any thread.
final class CredentialPool: Sendable {
    private struct Contents {
        /// By SHA-256 of the line.
        var known = Remembered<KeyDigest, UpstreamCredential>()
        /// The next size at which what nobody holds any more is taken out.
        var sweepAt = 64
    }

    private let contents = Locked(Contents())

    /// - Parameters:
    ///   - line: the whole field line.
    ///   - source: where it came from, in people's words.
    func credential(
        _ key: Secret, line: [UInt8], source: String, weight: Int = 1
    ) -> UpstreamCredential {
        let digest = KeyDigest(sha256(line))
        return contents.withLock { contents in
            let known = contents.known[digest]
            if let known, known.weight == weight, known.source.bytes.elementsEqual(source.utf8) {
                return known
            }
            let made = UpstreamCredential(
                line: line, source: PlanText(source), masked: PlanText(KeyMask.text(key)), weight: weight)
            if let known { made.takeOver(known) }
            if contents.known.count >= contents.sweepAt {
                contents.known.sweep()
                contents.sweepAt = max(64, contents.known.count * 2)
            }
            contents.known[digest] = made
            return made
        }
    }
}

extension UpstreamCredential {
    /// The same key under another name: what is known of it goes on.
    fileprivate func takeOver(_ old: UpstreamCredential) {
        refusedUntil.store(old.refusedUntil.load(ordering: .relaxed), ordering: .relaxed)
        refusedBy.store(old.refusedBy.load(ordering: .relaxed), ordering: .relaxed)
        cooledUntil.store(old.cooledUntil.load(ordering: .relaxed), ordering: .relaxed)
    }
}
