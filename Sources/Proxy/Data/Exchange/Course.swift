/// Where an exchange may go and with which key, as long as that can still change: until its answer begins.
/// Only for those that have a choice. Recycled.
final class Course {
    /// Of the body, where it was looked into.
    var facts: RequestFacts?
    /// The entry of `models:` that says where to; nil: the route names the upstream.
    var model: ModelPlan?
    /// The place in `model.targets` that it goes to.
    var target = 0
    var keys: KeySet?
    /// Into `keys`.
    var keyIndex = 0
    /// Bit n: the n-th key was tried.
    var triedKeys: UInt64 = 0
    /// Control was asked for another key, because all were refused.
    var hasRenewed = false
    /// It is about to be.
    var wantsRenewal = false
    /// The upstream has answered 403 before.
    var hasMetForbidden = false

    /// The key of this attempt.
    var credential: UpstreamCredential? { keys.map { $0.keys[keyIndex] } }

    /// Another upstream has keys of its own.
    func leaveUpstream() {
        forgetKeys()
        hasRenewed = false
        wantsRenewal = false
        hasMetForbidden = false
    }

    /// Others take their place.
    func forgetKeys() {
        keys = nil
        keyIndex = 0
        triedKeys = 0
    }

    func reset() {
        facts = nil
        model = nil
        target = 0
        leaveUpstream()
    }
}
