import COpenSSL
import Glibc

/// TLS towards one https upstream, over its nonblocking socket. Verification failures are ordinary results.
final class TLSSession {
    private let ssl: OpaquePointer
    /// Keeps the context of `ssl` alive beyond its generation.
    private let context: TLSClientContext

    /// - Returns: nil when OpenSSL has no memory or refuses the name.
    init?(_ context: TLSClientContext, descriptor: Int32, resuming session: OpaquePointer?) {
        guard let ssl = SSL_new(context.context) else { return nil }
        self.ssl = ssl
        self.context = context
        guard SSL_set_fd(ssl, descriptor) == 1, TLSSession.expect(context.serverName, on: ssl) else {
            SSL_free(ssl)
            return nil
        }
        if let session { SSL_set_session(ssl, session) }
        SSL_set_connect_state(ssl)
    }

    deinit { SSL_free(ssl) }

    /// SNI and verification by name (RFC 6066 §3, RFC 6125), or by address, which has no SNI.
    private static func expect(_ name: String, on ssl: OpaquePointer) -> Bool {
        var address = in6_addr()
        let isAddress = inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1
        if isAddress { return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1 }
        return headgate_ssl_set_server_name(ssl, name) == 1 && SSL_set1_host(ssl, name) == 1
    }

    enum Handshake: Equatable {
        case done
        case wouldBlock
        /// The certificate was refused: an `X509_V_ERR_…` code.
        case untrusted(Int)
        case failed
    }

    func handshake() -> Handshake {
        ERR_clear_error()
        let result = SSL_do_handshake(ssl)
        if result == 1 { return .done }
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .wouldBlock
        default:
            let verdict = SSL_get_verify_result(ssl)
            return verdict == Int(X509_V_OK) ? .failed : .untrusted(verdict)
        }
    }

    /// A copy of the session for resumption, or nil. The caller frees it.
    ///
    /// Why a copy: OpenSSL marks the original as unfit when the connection ends in any way but a mutual
    /// close_notify.
    func takeSession() -> OpaquePointer? {
        guard let session = SSL_get_session(ssl), SSL_SESSION_is_resumable(session) == 1 else { return nil }
        return SSL_SESSION_dup(session)
    }

    /// Fills the buffer as far as there are records, so that a short read means drained here too.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> IOResult {
        var total = 0
        while total < buffer.count {
            ERR_clear_error()
            let count = SSL_read(ssl, buffer.baseAddress! + total, Int32(buffer.count - total))
            if count > 0 {
                total += Int(count)
                continue
            }
            let result = result(of: count)
            // What was read goes first; the end or the error is found again by the next call.
            if total > 0 { return .moved(total, more: result != .wouldBlock) }
            return result
        }
        return .moved(total, more: true)
    }

    func write(_ bytes: UnsafeRawBufferPointer) -> IOResult {
        ERR_clear_error()
        let count = SSL_write(ssl, bytes.baseAddress!, Int32(bytes.count))
        return count > 0 ? .moved(Int(count), more: Int(count) < bytes.count) : result(of: count)
    }

    /// A `close_notify` is a clean end; a bare FIN is not (RFC 8446 §6.1: truncation must show).
    private func result(of count: Int32) -> IOResult {
        switch SSL_get_error(ssl, count) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: .wouldBlock
        case SSL_ERROR_ZERO_RETURN: .ended
        case SSL_ERROR_SYSCALL: .failed(errno == 0 ? ECONNRESET : errno)
        default: .failed(EPROTO)
        }
    }

    /// Says goodbye without waiting for the answer.
    func sendCloseNotify() {
        ERR_clear_error()
        SSL_shutdown(ssl)
    }
}
