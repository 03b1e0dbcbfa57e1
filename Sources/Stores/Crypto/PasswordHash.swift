/// bcrypt by `crypt_r(3)`. Takes tens to hundreds of milliseconds: never on a worker or a store's thread.
public enum PasswordHash {
    public static let costDefault = 10

    /// `$2b$…`. Passwords over 72 bytes go through SHA-256 and base64 first, because bcrypt stops there.
    public static func make(_ password: [UInt8], cost: Int = costDefault) -> String { fatalError("not yet") }

    /// - Parameter hash: nil: of nobody; takes as long as if there were one, and is false.
    public static func verify(_ password: [UInt8], _ hash: String?, cost: Int = costDefault) -> Bool {
        fatalError("not yet")
    }
}
