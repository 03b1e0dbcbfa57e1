import CYAML

/// One event of libyaml, copied out.
struct YAMLEvent {
    enum Style { case plain, quoted, block }
    enum Kind {
        case streamStart, documentStart, streamEnd
        case documentEnd
        case alias(String)
        case scalar(text: String, style: Style)
        case sequenceStart, sequenceEnd
        case mappingStart, mappingEnd
    }
    let kind: Kind
    let span: Span
    let anchor: String?
    /// As resolved by libyaml, such as `tag:yaml.org,2002:str`; nil without one.
    let tag: String?
}

/// Why libyaml stopped.
struct YAMLSyntaxError: Error {
    /// In libyaml's words.
    let problem: String
    /// Where the construct that failed began, and what it is; nil if it has none.
    let context: (text: String, mark: Mark)?
    let mark: Mark
}

/// Pulls events out of libyaml, one at a time, so that the caller can stop before the input does harm.
///
/// Cost: linear in what was pulled. Deep nesting makes libyaml slow, which is why depth is counted per event.
final class YAMLEvents {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    init(_ bytes: [UInt8]) {
        parser = .allocate(capacity: 1)
        // Why a copy: libyaml keeps the pointer beyond any `withUnsafeBytes` scope.
        input = .allocate(capacity: max(1, bytes.count))
        _ = input.initialize(from: bytes)
        let initialized = yaml_parser_initialize(parser)
        precondition(initialized == 1, "libyaml could not get memory")
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        input.deallocate()
    }

    /// The next event. Must not be called again after it has thrown or given `streamEnd`.
    func next() throws(YAMLSyntaxError) -> YAMLEvent {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw syntaxError() }
        defer { yaml_event_delete(&event) }
        let span = Span(start: Mark(event.start_mark), end: Mark(event.end_mark))
        func made(
            _ kind: YAMLEvent.Kind, anchor: UnsafeMutablePointer<UInt8>? = nil,
            tag: UnsafeMutablePointer<UInt8>? = nil
        ) -> YAMLEvent {
            YAMLEvent(
                kind: kind, span: span, anchor: anchor.map { String(cString: $0) },
                tag: tag.map { String(cString: $0) })
        }
        switch event.type {
        case YAML_STREAM_START_EVENT: return made(.streamStart)
        case YAML_DOCUMENT_START_EVENT: return made(.documentStart)
        case YAML_DOCUMENT_END_EVENT: return made(.documentEnd)
        case YAML_ALIAS_EVENT: return made(.alias(String(cString: event.data.alias.anchor)))
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let text = String(
                decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            return made(
                .scalar(text: text, style: .init(scalar.style)), anchor: scalar.anchor, tag: scalar.tag)
        case YAML_SEQUENCE_START_EVENT:
            return made(
                .sequenceStart, anchor: event.data.sequence_start.anchor, tag: event.data.sequence_start.tag)
        case YAML_SEQUENCE_END_EVENT: return made(.sequenceEnd)
        case YAML_MAPPING_START_EVENT:
            return made(
                .mappingStart, anchor: event.data.mapping_start.anchor, tag: event.data.mapping_start.tag)
        case YAML_MAPPING_END_EVENT: return made(.mappingEnd)
        case _: return made(.streamEnd)
        }
    }

    private func syntaxError() -> YAMLSyntaxError {
        let problem = parser.pointee.problem.map { String(cString: $0) } ?? "the YAML cannot be read"
        let context = parser.pointee.context.map { (String(cString: $0), Mark(parser.pointee.context_mark)) }
        return YAMLSyntaxError(problem: problem, context: context, mark: Mark(parser.pointee.problem_mark))
    }
}

extension Mark {
    init(_ mark: yaml_mark_t) { self.init(line: Int(mark.line), column: Int(mark.column)) }
}

extension YAMLEvent.Style {
    init(_ style: yaml_scalar_style_t) {
        switch style {
        case YAML_PLAIN_SCALAR_STYLE: self = .plain
        case YAML_SINGLE_QUOTED_SCALAR_STYLE, YAML_DOUBLE_QUOTED_SCALAR_STYLE: self = .quoted
        case _: self = .block
        }
    }
}
