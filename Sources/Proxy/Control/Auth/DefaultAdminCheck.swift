import Stores
import Synchronization

/// Tells, at a start and at reloads, of a store whose user `admin` still has the password that
/// `db init --default-admin` gives.
///
/// On a thread of its own: looking takes as long as a login does.
final class DefaultAdminCheck: Sendable {
    static let username = "admin"
    static let password = "admin123"

    private let isRunning = Atomic<Bool>(false)

    /// Returns at once. While one runs, another is not begun.
    func begin(_ stores: [StoreEntry]) {
        guard !stores.isEmpty, !isRunning.exchange(true, ordering: .acquiringAndReleasing) else { return }
        let keepers = stores.map(\.keeper)
        do throws(SystemError) {
            try ControlThread.start("hg-admin-check") { [self] in
                for keeper in keepers where DefaultAdminCheck.isDefault(keeper) {
                    Log.warning(
                        "store \(keeper.display): user `admin` has the default password, which "
                            + "everybody knows: run `headgate user passwd admin`")
                }
                isRunning.store(false, ordering: .releasing)
            }
        } catch {
            isRunning.store(false, ordering: .releasing)
            Log.warning("the default password of `admin` is not looked for: \(error)")
        }
    }

    /// Whether the default password opens the account of an active `admin`.
    static func isDefault(_ keeper: StoreKeeper) -> Bool {
        let asked = keeper.ask { opened -> Result<String?, StoreError> in
            opened.flatMap { store in
                do throws(StoreError) {
                    let found = try store.passwordHash(of: .username(username))
                    return .success(found.flatMap { $0.user.isActive ? $0.hash : nil })
                } catch { return .failure(error) }
            }
        }
        guard case .success(let hash?) = asked else { return false }
        return PasswordHash.verify(Array(password.utf8), hash, cost: keeper.passwordCost)
    }
}
