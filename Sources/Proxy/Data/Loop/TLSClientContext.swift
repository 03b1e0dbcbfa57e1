import COpenSSL

/// One `SSL_CTX` for connections to https upstreams with the same settings; shared by all workers and
/// generations.
final class TLSClientContext: @unchecked Sendable {
    let context: OpaquePointer
    /// For SNI and verification.
    let serverName: String

    init(adopting context: OpaquePointer, serverName: String) {
        self.context = context
        self.serverName = serverName
    }

    deinit { SSL_CTX_free(context) }
}
