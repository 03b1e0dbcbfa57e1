// Bytes → configuration. Built as one module with Sources/Config:
//
//   swiftc -sanitize=fuzzer,address -parse-as-library Tests/Fuzz/FuzzConfig.swift \
//     $(find Sources/Config -name '*.swift') -I Sources/CYAML -lyaml -o .build/fuzz-config
//   .build/fuzz-config -max_total_time=60 Tests/Fuzz/Corpus/Config

/// Any bytes give a configuration or at least one error, and every diagnostic points into the text and
/// prints.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzConfig(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let canary = "7f4c-canary-9e21"
    let parsed = ConfigDocument.parse(bytes, file: "fuzz.yaml")
    precondition((parsed.document == nil) == (parsed.diagnostics.count == 1))
    var diagnostics = parsed.diagnostics
    if let document = parsed.document {
        _ = document.environmentFiles
        let result = document.read { $0.utf8.count % 3 == 0 ? nil : canary }
        precondition((result.config == nil) == result.diagnostics.contains { $0.severity == .error })
        diagnostics = result.diagnostics
    }
    for diagnostic in diagnostics {
        precondition(diagnostic.line >= 1 && diagnostic.column >= 1 && diagnostic.length >= 1)
    }
    let report = renderReport(diagnostics) + renderJSON(diagnostics)
    let isWritten = String(decoding: bytes, as: UTF8.self).contains(canary)
    precondition(isWritten || !report.contains(canary), "a variable's value was printed")
    return 0
}
