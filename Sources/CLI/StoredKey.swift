import Proxy
import Stores

/// A row of `upstream_keys` and what is sealed in it, or why that cannot be opened.
struct StoredKey {
    let row: UpstreamKey
    let key: Result<Secret, StoreError>

    init(_ row: UpstreamKey, key: Result<Secret, StoreError>) {
        self.row = row
        self.key = key
    }

    /// - Throws: the store cannot be read.
    init(_ row: UpstreamKey, in store: Store) throws(StoreError) {
        self.row = row
        do throws(StoreError) {
            let found = try store.revealUpstreamKey(user: row.userID, name: row.name)
            key = found.map { .success($0) } ?? .failure(.notFound("such key any more"))
        } catch {
            guard case .cannotSeal = error else { throw error }
            key = .failure(error)
        }
    }

    var masked: String? { (try? key.get()).map(KeyMask.text) }
    var problem: String? { if case .failure(let error) = key { error.description } else { nil } }
}
