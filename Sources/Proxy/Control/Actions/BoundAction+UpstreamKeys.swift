import Config
import Stores

/// Keys for upstreams that users store. Each sees and deletes their own alone; the key itself is never told
/// again.
extension BoundAction {
    func setUpstreamKey(_ call: ActionCall, _ rules: UpstreamKeyRules) throws(ActionFailure) {
        let userID = try callerUserID(call)
        var members = try members(call)
        let name = members.text("model_name", .name(max: 256))
        let rule = TextRule.upstreamKey(prefix: rules.prefix ?? "", lengthMin: rules.lengthMin)
        let key = Secret(members.text("api_key", rule))
        try members.finish()
        onStore(call) { [self] store in
            let user = try BoundAction.activeUser(userID, in: store)
            do throws(StoreError) {
                let stored = try store.setUpstreamKey(
                    user: user.id, name: name, key: key, source: "manual")
                callersChanged()
                log("user \(ActionAnswers.shownName(user)) stored a key for \(name)", call)
                return ActionAnswers.upstreamKey(stored)
            } catch {
                guard case .cannotSeal(let why) = error else { throw error }
                Log.warning("set-api-key: refused: \(why) (request \(call.requestID))")
                throw ActionFailure.storingKeysNotConfigured
            }
        }
    }

    func listUpstreamKeys(_ call: ActionCall) throws(ActionFailure) {
        let userID = try callerUserID(call)
        onStore(call) { store in
            let user = try BoundAction.activeUser(userID, in: store)
            return ActionAnswers.upstreamKeys(try store.upstreamKeys(user: user.id))
        }
    }

    /// Which key the caller's requests would go out with. Looks, and changes nothing: none is saved or made.
    func tellKeyStatus(_ call: ActionCall) throws(ActionFailure) {
        let userID = try callerUserID(call)
        guard let keys else { preconditionFailure("bound with the keys that it tells of") }
        onStore(call) { store in
            let user = try BoundAction.activeUser(userID, in: store)
            let found = keys.look(for: user, in: store)
            guard !found.isBlocked else { throw ActionFailure.storeUnavailable }
            return ActionAnswers.keyStatus(found)
        }
    }

    /// The name is the rest of the path, decoded: it may hold a `/` either way.
    func deleteUpstreamKey(_ call: ActionCall) throws(ActionFailure) {
        let userID = try callerUserID(call)
        guard let name = String(validating: call.request.pathRest, as: UTF8.self), !name.isEmpty else {
            throw .invalid([.missing("model_name")])
        }
        onStore(call) { [self] store in
            let user = try BoundAction.activeUser(userID, in: store)
            guard try store.deleteUpstreamKey(user: user.id, name: name) else {
                throw ActionFailure.upstreamKeyMissing(name)
            }
            callersChanged()
            log("user \(ActionAnswers.shownName(user)) deleted the key for \(name)", call)
            return ActionAnswers.upstreamKeyDeleted(name)
        }
    }
}
