// swift-tools-version: 6.0
import PackageDescription

// Why no external packages: headgate must build from a clone and four Debian packages alone.
let package = Package(
    name: "headgate",
    products: [
        .executable(name: "headgate", targets: ["CLI"])
    ],
    targets: [
        // C libraries, each through a small named module.
        .target(name: "CLinux"),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),

        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CCrypt", providers: [.apt(["libcrypt-dev"])]),

        .target(name: "JSON"),
        .target(name: "Config", dependencies: ["CYAML"]),
        .target(name: "Stores", dependencies: ["JSON", "CSQLite", "CCrypt", "COpenSSL"]),
        .target(
            name: "Proxy", dependencies: ["Config", "Stores", "JSON", "CLinux", "COpenSSL"],
            exclude: ["README.md"],
            swiftSettings: [
                // Why: the dynamic exclusivity checks are a third of the user instructions of a proxied
                // request. Debug builds keep them, so every test runs with them.
                .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))
            ]),
        .executableTarget(
            name: "CLI", dependencies: ["Config", "Stores", "JSON", "Proxy", "CLinux", "COpenSSL"]),

        .testTarget(name: "JSONTests", dependencies: ["JSON"]),
        .testTarget(name: "ConfigTests", dependencies: ["Config"], exclude: ["Goldens"]),
        .testTarget(name: "StoresTests", dependencies: ["Stores", "JSON", "CSQLite"]),
        .testTarget(name: "ProxyTests", dependencies: ["Proxy", "Config", "Stores", "JSON"]),
        .testTarget(name: "EndToEndTests", dependencies: ["CLI", "JSON", "CLinux"], exclude: ["SDK"]),
        .testTarget(name: "TidyTests"),
    ],
    swiftLanguageModes: [.v6]
)
