extension MessageFacts {
    /// How the end of a request's body is found (RFC 9112 §6.3). Without a length there is no body, also
    /// for POST.
    ///
    /// - Throws: `.framingConflict`; see `refuseConflict`.
    func requestFraming(_ version: HTTPVersion) throws(HeadError) -> BodyFraming {
        try refuseConflict(version)
        if isChunked { return .chunked }
        return declaredLength.map(BodyFraming.length) ?? .none
    }

    /// How the end of a response's body is found (RFC 9112 §6.3).
    ///
    /// - Throws: `.framingConflict`, also for a response that has no body: what it says is wrong all the
    ///   same.
    func responseFraming(_ version: HTTPVersion, status: UInt16, toHead: Bool) throws(HeadError)
        -> BodyFraming
    {
        try refuseConflict(version)
        if toHead || status < 200 || status == 204 || status == 304 { return .none }
        if isChunked { return .chunked }
        return declaredLength.map(BodyFraming.length) ?? .untilClose
    }

    /// Both framings at once are refused, although RFC 9112 §6.3 lets a reader prefer `Transfer-Encoding`:
    /// the next one might choose otherwise (request smuggling, §11.2). HTTP/1.0 has no transfer coding
    /// (§6.1).
    private func refuseConflict(_ version: HTTPVersion) throws(HeadError) {
        guard isChunked else { return }
        guard declaredLength == nil, version == .http11 else { throw .framingConflict }
    }
}
